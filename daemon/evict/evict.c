// SPDX-License-Identifier: GPL-2.0-only
/*
 * EVICT: budget (how many) -> policy (which, in address runs) -> agent (MOVE to
 * staging, copy into the standby pool, drop staging) -> settle.c -> writeback.c.
 */
#include "evict/evict.h"
#include "evict/exit_round.h"
#include "evict/pool.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "evict/budget.h"
#include "evict/relatives.h"
#include "evict/pinned.h"
#include "kernel/present.h"
#include "memory/kept.h"
#include "memory/page.h"

#define BACKOFF_NS     (10 * NS_PER_MS)
#define BACKOFF_MAX_NS (160 * NS_PER_MS)
/* So many batches may find everything pinned before there is a pause. */
#define VAIN_BATCHES   8

/* Nothing can leave just now.  Twice as long as the last time if nothing has since. */
static void backoff(struct space *sp)
{
	sp->worker.evict_pause_ns =
		sp->stats.evictions != sp->worker.evictions_seen
			? BACKOFF_NS
			: min_t(uint64_t, 2 * sp->worker.evict_pause_ns, BACKOFF_MAX_NS);
	sp->worker.evictions_seen = sp->stats.evictions;
	sp->worker.evict_pause_ns = max_t(uint64_t, sp->worker.evict_pause_ns, BACKOFF_NS);
	sp->worker.evict_backoff_ns = clock_ns() + sp->worker.evict_pause_ns;
	sp->worker.vain_batches = 0;
	sp->worker.retry = true; /* throttled faults go on over the budget */
}

/* Records a run (or as much as standby has room for) in the post. */
static uint32_t record_run(struct pager *pg, struct space *sp, struct agent_post *post,
			   struct run run)
{
	struct standby *sb = &sp->standby;
	uint32_t done = 0;

	while (done < run.nr_pages && post->nr_runs < AGENT_RUNS_MAX) {
		pgno_t n = pgno_add(run.first, done);
		uint32_t place, got = standby_find(sb, run.nr_pages - done, &place);

		sp->growth.is_short |= !got;
		if (!got || !page_room(pg, sp, (struct run){ n, got }))
			break;
		if (pool_forget(pg, sp, place, got))
			sp->growth.is_short = true;
		standby_take(sb, place, got);
		for (uint32_t i = 0; i < got; i++) {
			struct page p = page_read(pg, sp, pgno_add(n, i));
			int err = page_change(pg, sp, pgno_add(n, i), p,
					      (struct page){ .state = PAGE_DETACHING,
							     .place = place + i,
							     .slot = p.slot });

			assert(!err);
			standby_set(sb, place + i, PLACE_DETACHING, pgno_add(n, i));
		}
		post->at[post->nr_runs].run = (struct run){ n, got };
		post->at[post->nr_runs].staging_first = post->nr_pages;
		post->at[post->nr_runs].place = place;
		post->nr_runs++;
		post->nr_pages += got;
		done += got;
	}
	return done;
}

/*
 * Without UFFDIO_MOVE everything is stopped.  Only pages that are there can be
 * copied, and nobody may write them until they are dropped.
 */
static struct run protect_present(struct space *sp, struct run run)
{
	uint64_t bits[PRESENT_MAX / 64];
	uint32_t n = 0;

	if (present_read(sp->process.pagemap_fd, run, bits))
		return (struct run){ run.first, 0 };
	while (n < run.nr_pages && bits[0] >> n & 1)
		n++;
	run.nr_pages = n;
	if (n && uffd_write_protect(sp->uffd, run, true))
		run.nr_pages = 0;
	return run;
}

static void unprotect(struct space *sp, struct run run)
{
	if (run.nr_pages) {
		uffd_write_protect(sp->uffd, run, false);
		uffd_wake(sp->uffd, run);
	}
}

static struct run part_of(struct run run, uint32_t from, uint32_t to)
{
	return (struct run){ pgno_add(run.first, from), to - from };
}

/*
 * A protected run into the post, but for what a device may still write.  False
 * when the post is full or standby is busy: the rest is the program's again.
 */
static bool record_unpinned(struct pager *pg, struct space *sp, struct agent_post *post,
			    struct run run, uint64_t pinned)
{
	uint32_t i = 0, end;

	for (; i < run.nr_pages; i = end) {
		uint32_t done;

		for (end = i; end < run.nr_pages && pinned >> end & 1; end++) {
			page_set_age(pg, sp, pgno_add(run.first, end), POLICY_AGE_PINNED);
			space_count(&sp->stats.pinned, 1);
		}
		unprotect(sp, part_of(run, i, end));
		for (i = end; end < run.nr_pages && !(pinned >> end & 1);)
			end++;
		done = i < end ? record_run(pg, sp, post, part_of(run, i, end)) : 0;
		if (i + done < end) {
			unprotect(sp, part_of(run, i + done, run.nr_pages));
			return false;
		}
	}
	return true;
}

/* All are protected before the module is asked: nobody gets hold of them for writing then. */
static void post_stopped(struct pager *pg, struct space *sp, struct agent_post *post,
			 struct run *runs, uint32_t nr_runs)
{
	uint64_t pinned[AGENT_RUNS_MAX];
	uint32_t i;

	for (i = 0; i < nr_runs; i++)
		runs[i] = protect_present(sp, runs[i]);
	if (failpoint(FP_EVICT_PROTECTED))
		return;
	pinned_find(pg, sp, runs, nr_runs, pinned);
	for (i = 0; i < nr_runs; i++)
		if (!record_unpinned(pg, sp, post, runs[i], pinned[i]))
			break;
	for (i++; i < nr_runs; i++)
		unprotect(sp, runs[i]);
}

static void post_moving(struct pager *pg, struct space *sp, struct agent_post *post,
			const struct run *runs, uint32_t nr_runs)
{
	for (uint32_t i = 0; i < nr_runs; i++)
		if (record_run(pg, sp, post, runs[i]) < runs[i].nr_pages)
			break; /* standby is busy: writes first */
}

static uint32_t batch_pages(struct pager *pg, const struct space *sp)
{
	uint64_t want = budget_excess(sp);
	uint64_t room = slots_free(pg->slots);

	if (sp->worker.starved)
		want = max_t(uint64_t, want, AGENT_RUN_PAGES);
	/* Small budgets do not want all of staging on top of them. */
	want = min_t(uint64_t, want, max_t(uint64_t, sp->orders.budget_pages / 64, 16));
	want = min_t(uint64_t, want, agent_batch_limit(&sp->agent));
	return (uint32_t)min_t(uint64_t, want, room);
}

static bool post_batch(struct pager *pg, struct space *sp, uint32_t nr_pages)
{
	struct run runs[AGENT_RUNS_MAX];
	struct agent_post *post = agent_next_post(&sp->agent);
	uint32_t nr_runs;

	if (!post || !exit_round_look(pg, sp))
		return false;
	nr_runs = relatives_victims(pg, sp, nr_pages, AGENT_RUN_PAGES, runs, AGENT_RUNS_MAX);
	if (!nr_runs) {
		sp->worker.evict_more = sp->policy.going;
		if (!sp->worker.evict_more)
			backoff(sp);
		return false;
	}
	post->mode = pg->caps.move ? AGENT_MOVE : AGENT_COPY_DROP;
	post->unheld = pg->spares_held;
	if (post->mode == AGENT_MOVE)
		post_moving(pg, sp, post, runs, nr_runs);
	else
		post_stopped(pg, sp, post, runs, nr_runs);
	if (!post->nr_runs) {
		if (!sp->worker.nr_writes && !agent_pending(&sp->agent))
			backoff(sp);
		return false;
	}
	failpoint(FP_EVICT_RECORDED);
	agent_submit(&sp->agent);
	sp->growth.used_ns = post->posted_ns;
	failpoint(FP_EVICT_POSTED);
	return true;
}

static void recover_backoff(struct pager *pg, struct space *sp)
{
	if (sp->worker.evict_backoff_ns && clock_ns() >= sp->worker.evict_backoff_ns)
		sp->worker.evict_backoff_ns = 0;
	if (sp->reports.area_full && slots_free(pg->slots) >= AGENT_BATCH_PAGES)
		sp->reports.area_full = false;
}

/* What it had is taken away from it, and who waits for that goes on over the budget. */
static void watch_agent(struct space *sp)
{
	bool late = agent_is_late(&sp->agent);

	if (late && agent_pending(&sp->agent))
		sp->worker.revoke_wanted = true;
	if (late != sp->reports.late)
		sp->worker.retry = true;
	sp->reports.late = late;
}

void evict_begin(struct pager *pg, struct space *sp)
{
	recover_backoff(pg, sp);
	watch_agent(sp);
	sp->worker.evict_more = false;
	if (!space_can_evict(sp) || sp->phase != SPACE_LIVE || sp->worker.events_waiting ||
	    sp->worker.draining)
		return;
	if (!pg->caps.move) {
		/* Set before stopped is looked at: housekeeping looks the other way round. */
		sp->reports.dropping = true;
		if (!sp->orders.stopped) {
			sp->reports.dropping = agent_may_drop(&sp->agent);
			if (budget_excess(sp))
				sp->reports.stop_wanted = true;
			return;
		}
	}
	if (sp->worker.vain_batches > VAIN_BATCHES)
		backoff(sp);
	while ((budget_excess(sp) || sp->worker.starved) && !sp->worker.evict_backoff_ns) {
		uint32_t n;

		/* What is posted already counts as gone. */
		if (agent_pending(&sp->agent) &&
		    sp->reports.nr_detaching >= max_t(uint64_t, budget_excess(sp), 1))
			break;
		n = batch_pages(pg, sp);
		if (!n) {
			if (kept_is_exhausted(pg)) {
				sp->reports.area_full = true;
				sp->worker.retry = true;
			}
			break;
		}
		store_submit(pg->worker.store); /* choosing takes longer than a read */
		if (!post_batch(pg, sp, n))
			break;
		sp->worker.starved = false;
	}
	sp->reports.dropping = agent_may_drop(&sp->agent);
}
