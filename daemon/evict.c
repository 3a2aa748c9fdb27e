// SPDX-License-Identifier: GPL-2.0-only
/*
 * EVICT: budget (how many) -> policy (which, in address runs) -> agent (MOVE to
 * staging, copy into the standby pool, drop staging) -> page -> unchanged since
 * last written? keep its slot : slot (one extent) -> store (one log write) ->
 * page.
 */
#include "evict.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "budget.h"
#include "clock.h"
#include "failpoint.h"
#include "page.h"
#include "present.h"
#include "statefile.h"

#define WRITES_MAX	 32
#define WRITE_PAGES_MAX	 64
#define BACKOFF_NS	 (10 * NS_PER_MS)
#define WRITE_BACKOFF_NS (100 * NS_PER_MS)
/* How stale the list of exiting-thread pages may be when victims are chosen. */
#define THREADS_FRESH_NS NS_PER_MS

struct write {
	struct op op;
	struct pager *pg;
	struct space *sp; /* NULL: free */
	slot_t slot; /* a reference is held on each of nr_pages */
	uint32_t place;
	uint32_t nr_pages;
};

/* Slots that may be written: in the state file, recorded before submission [F5]. */
struct write_record {
	uint64_t slot;
	uint64_t nr_pages;
};

struct evictions {
	struct write write[WRITES_MAX];
	struct write_record *record; /* WRITES_MAX of them */
	uint32_t nr_busy;
};

static void write_done(void *context, struct op *op, int res);

int evictions_init(struct pager *pg)
{
	struct evictions *ev = calloc(1, sizeof(*ev));
	void *map;
	int err;

	if (!ev)
		return -ENOMEM;
	err = statefile_map_new(pg->state_dir_fd, "writes", PAGE_SIZE, true, &map);
	if (err) {
		free(ev);
		return err;
	}
	ev->record = map;
	for (uint32_t i = 0; i < WRITES_MAX; i++) {
		ev->write[i].op = (struct op){ .kind = OP_WRITE, .done = write_done };
		ev->write[i].pg = pg;
	}
	pg->evict_writes = ev;
	return 0;
}

void evictions_fini(struct pager *pg)
{
	free(pg->evict_writes);
	pg->evict_writes = NULL;
}

/* ---- begin ---- */

static void backoff(struct space *sp, uint64_t ns)
{
	sp->evict_backoff_ns = clock_ns() + ns;
	sp->retry = true; /* throttled faults go on over the budget */
}

/* Gives the CLEAN places of a run free; their pages are SWAPPED from now on. */
static void forget_clean(struct pager *pg, struct space *sp, uint32_t first, uint32_t nr_places)
{
	struct standby *sb = &sp->standby;

	for (uint32_t i = first; i < first + nr_places; i++) {
		struct page p;
		int err;

		if (sb->state[i] != PLACE_CLEAN)
			continue;
		p = page_read(pg, sp, sb->page[i]);
		err = page_change(pg, sp, sb->page[i], p,
				  (struct page){ .state = PAGE_SWAPPED, .slot = p.slot });
		assert(!err);
		standby_set(sb, i, PLACE_FREE, (pgno_t){ 0 });
	}
}

void evict_forget_clean(struct pager *pg, struct space *sp)
{
	if (sp->standby.map)
		forget_clean(pg, sp, 0, sp->standby.nr_places);
}

static bool threads_known(struct space *sp)
{
	uint64_t now = clock_ns();

	if (now - sp->threads.read_ns < THREADS_FRESH_NS)
		return true;
	if (thread_pages_refresh(&sp->threads, sp->task_dir_fd))
		return false;
	sp->threads.read_ns = now;
	return true;
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

		if (!got)
			break;
		forget_clean(pg, sp, place, got);
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

	if (present_read(sp->pagemap_fd, run, bits))
		return (struct run){ run.first, 0 };
	while (n < run.nr_pages && bits[0] >> n & 1)
		n++;
	run.nr_pages = n;
	if (n && uffd_write_protect(sp->uffd, run, true))
		run.nr_pages = 0;
	return run;
}

static uint32_t batch_pages(struct pager *pg, const struct space *sp)
{
	uint64_t want = budget_excess(sp);
	uint64_t room = slots_free(pg->slots);

	if (sp->starved)
		want = max_t(uint64_t, want, AGENT_RUN_PAGES);
	/* Small budgets do not want all of staging on top of them. */
	want = min_t(uint64_t, want, max_t(uint64_t, sp->budget_pages / 64, 16));
	want = min_t(uint64_t, want, AGENT_BATCH_PAGES);
	return (uint32_t)min_t(uint64_t, want, room);
}

static bool post_batch(struct pager *pg, struct space *sp, uint32_t nr_pages)
{
	struct run runs[AGENT_RUNS_MAX];
	struct agent_post *post = agent_next_post(&sp->agent);
	uint32_t nr_runs;

	if (!post || !threads_known(sp))
		return false;
	pthread_mutex_lock(&sp->lock);
	nr_runs = policy_victims(pg, sp, nr_pages, AGENT_RUN_PAGES, runs, AGENT_RUNS_MAX);
	pthread_mutex_unlock(&sp->lock);
	if (!nr_runs) {
		backoff(sp, BACKOFF_NS);
		return false;
	}
	post->mode = pg->caps.move ? AGENT_MOVE : AGENT_COPY_DROP;
	for (uint32_t i = 0; i < nr_runs; i++) {
		struct run run = runs[i];

		if (post->mode == AGENT_COPY_DROP)
			run = protect_present(sp, run);
		if (run.nr_pages && record_run(pg, sp, post, run) < run.nr_pages)
			break; /* standby is busy: writes first */
	}
	if (!post->nr_runs) {
		if (!sp->nr_writes && !agent_pending(&sp->agent))
			backoff(sp, BACKOFF_NS);
		return false;
	}
	failpoint(FP_EVICT_RECORDED);
	agent_submit(&sp->agent);
	failpoint(FP_EVICT_POSTED);
	return true;
}

static void recover_backoff(struct pager *pg, struct space *sp)
{
	if (sp->evict_backoff_ns && clock_ns() >= sp->evict_backoff_ns)
		sp->evict_backoff_ns = 0;
	if (sp->area_full && slots_free(pg->slots) >= AGENT_BATCH_PAGES)
		sp->area_full = false;
}

/* Slots that resident pages keep of their last clean copies are the first to go. */
static void release_kept_slots(struct pager *pg, struct space *sp)
{
	static const pgno_t end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };
	uint64_t entries[TABLE_ENTRIES];
	const uint64_t *leaf;
	pgno_t n = { 0 }, base;

	while ((leaf = table_next_leaf(pg->tables, sp->root, n, end, &base))) {
		memcpy(entries, leaf, sizeof(entries));
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
			struct page p = page_entry_unpack(entries[i]);
			struct page to = { .state = PAGE_RESIDENT, .age = p.age };

			if (p.state == PAGE_RESIDENT && slot_valid(p.slot))
				page_change(pg, sp, pgno_add(base, i), p, to);
		}
		n = pgno_add(base, TABLE_ENTRIES);
	}
}

/* Whether the agent may drop pages where they are: nothing must run meanwhile. */
static bool may_drop(const struct space *sp)
{
	const struct agent *ag = &sp->agent;

	for (uint32_t n = ag->settled; n != ag->posted; n++)
		if (ag->post[n % AGENT_BATCHES].mode == AGENT_COPY_DROP)
			return true;
	return false;
}

void evict_begin(struct pager *pg, struct space *sp)
{
	recover_backoff(pg, sp);
	if (!space_can_evict(sp) || sp->phase != SPACE_LIVE || sp->events_waiting || sp->draining)
		return;
	if (!pg->caps.move) {
		/* Set before stopped is looked at: the house looks the other way round. */
		sp->dropping = true;
		if (!sp->stopped) {
			sp->dropping = may_drop(sp);
			if (budget_excess(sp))
				sp->stop_wanted = true;
			return;
		}
	}
	while (budget_excess(sp) || sp->starved) {
		uint32_t n;

		/* What is posted already counts as gone. */
		if (agent_pending(&sp->agent) &&
		    sp->nr_detaching >= max_t(uint64_t, budget_excess(sp), 1))
			break;
		n = batch_pages(pg, sp);
		if (!n) {
			release_kept_slots(pg, sp);
			if (!slots_free(pg->slots)) {
				sp->area_full = true;
				sp->retry = true;
			}
			break;
		}
		store_submit(pg->store); /* choosing takes longer than a read */
		if (!post_batch(pg, sp, n))
			break;
		sp->starved = false;
	}
	sp->dropping = may_drop(sp);
}

/* ---- settle ---- */

static bool is_zero(const uint8_t *data)
{
	static const uint8_t zero[64];

	return !memcmp(data, zero, sizeof(zero)) &&
	       !memcmp(data, data + sizeof(zero), PAGE_SIZE - sizeof(zero));
}

static void settle_moved(struct pager *pg, struct space *sp, pgno_t n, uint32_t place)
{
	struct standby *sb = &sp->standby;
	const uint8_t *data = standby_data(sb, place);
	struct page p = page_read(pg, sp, n), to = { .state = PAGE_STANDBY, .place = place };
	enum place_state state = PLACE_DIRTY;
	int err;

	assert(p.state == PAGE_DETACHING && p.place == place);
	space_count(&sp->stats.evictions, 1);
	if (is_zero(data)) {
		to = (struct page){ .state = PAGE_VIRGIN };
		state = PLACE_FREE;
		space_count(&sp->stats.clean_drops, 1);
	} else if (slot_valid(p.slot) &&
		   slot_hash(pg->slots, p.slot, data) == slot_checksum(pg->slots, p.slot)) {
		to.slot = p.slot; /* unchanged since last written */
		state = PLACE_CLEAN;
		space_count(&sp->stats.clean_drops, 1);
	} else {
		to.dirty = true;
	}
	err = page_change(pg, sp, n, p, to);
	assert(!err);
	standby_set(sb, place, state, n);
}

static void settle_stayed(struct pager *pg, struct space *sp, pgno_t n, uint32_t place,
			  bool pinned, bool gone)
{
	struct page p = page_read(pg, sp, n);
	struct page to = { .state = PAGE_RESIDENT,
			   .slot = p.slot,
			   .age = pinned ? POLICY_AGE_PINNED : POLICY_AGE_FILLED };
	int err;

	if (pinned)
		space_count(&sp->stats.pinned, 1);
	if (gone) {
		/* Absent with every event applied: zapped without one [F9]. */
		to = (struct page){ .state = PAGE_VIRGIN };
		space_count(&sp->stats.unexpected, 1);
	}
	err = page_change(pg, sp, n, p, to);
	assert(!err);
	standby_set(&sp->standby, place, PLACE_FREE, (pgno_t){ 0 });
}

static void settle_run(struct pager *pg, struct space *sp, struct run run, uint32_t place,
		       const struct agent_outcome *out, enum agent_mode mode)
{
	for (uint32_t i = 0; i < run.nr_pages; i++) {
		pgno_t n = pgno_add(run.first, i);
		uint64_t bit = 1ULL << i;

		if (out->moved & bit)
			settle_moved(pg, sp, n, place + i);
		else
			settle_stayed(pg, sp, n, place + i, out->pinned & bit, out->gone & bit);
	}
	if (mode == AGENT_COPY_DROP) {
		uffd_write_protect(sp->uffd, run, false);
		uffd_wake(sp->uffd, run);
	}
	if (out->error == -EINVAL) {
		struct region *r;

		/* Locked, or of other access bits than staging [F23]. */
		pthread_mutex_lock(&sp->lock);
		r = region_find(&sp->regions, run.first);
		if (r)
			r->fixed = true;
		pthread_mutex_unlock(&sp->lock);
	}
}

bool evict_settle(struct pager *pg, struct space *sp)
{
	const struct agent_post *post;
	bool any = false;

	while ((post = agent_finished(&sp->agent))) {
		for (uint32_t i = 0; i < post->nr_runs; i++) {
			struct agent_outcome out = agent_outcome(&sp->agent, i);

			settle_run(pg, sp, post->at[i].run, post->at[i].place, &out, post->mode);
		}
		agent_settle(&sp->agent);
		any = true;
		failpoint(FP_EVICT_SETTLED);
	}
	if (any) {
		sp->dropping = may_drop(sp);
		sp->retry = true;
	}
	return any;
}

/* Fetches what moved from staging; true where it is there (EIO at once if not). */
static bool read_staging(struct space *sp, uint32_t staging_page, uint8_t *data)
{
	off_t at = (off_t)(sp->agent.place.staging_addr + (uint64_t)staging_page * PAGE_SIZE);

	return pread(sp->mem_fd, data, PAGE_SIZE, at) == (ssize_t)PAGE_SIZE;
}

/*
 * Of a living agent `moved` is exact.  A dead one may have died between its
 * MOVE and the store, so there staging itself is asked.
 */
static struct agent_outcome staged_outcome(struct space *sp, uint32_t run_index)
{
	struct agent *ag = &sp->agent;
	uint32_t n = ag->settled % AGENT_BATCHES;
	const struct agent_post *post = &ag->post[n];
	struct agent_outcome out = agent_outcome(ag, run_index);
	uint32_t staging = n * AGENT_BATCH_PAGES + post->at[run_index].staging_first;
	uint32_t place = post->at[run_index].place;
	uint64_t moved = 0;

	for (uint32_t i = 0; i < post->at[run_index].run.nr_pages; i++)
		if ((ag->dead || out.moved >> i & 1) &&
		    read_staging(sp, staging + i, standby_data(&sp->standby, place + i)))
			moved |= 1ULL << i;
	out.moved = moved;
	return out;
}

void evict_settle_now(struct pager *pg, struct space *sp)
{
	struct agent *ag = &sp->agent;

	evict_settle(pg, sp);
	while (agent_pending(ag)) {
		const struct agent_post *post = &ag->post[ag->settled % AGENT_BATCHES];
		bool staged = agent_revoke(ag);

		if (!staged && agent_is_dropping(ag))
			break;
		for (uint32_t i = 0; i < post->nr_runs; i++) {
			struct agent_outcome out = agent_outcome(ag, i);

			if (staged && post->mode == AGENT_MOVE)
				out = staged_outcome(sp, i);
			else if (staged)
				out.moved = 0; /* nothing was dropped yet */
			settle_run(pg, sp, post->at[i].run, post->at[i].place, &out, post->mode);
		}
		agent_settle(ag);
	}
	sp->dropping = may_drop(sp);
	sp->retry = true;
}

/* ---- write ---- */

static struct write *write_get(struct pager *pg)
{
	struct evictions *ev = pg->evict_writes;

	for (uint32_t i = 0; i < WRITES_MAX; i++)
		if (!ev->write[i].sp)
			return &ev->write[i];
	return NULL;
}

static void record_write(struct write *w, bool in_flight)
{
	struct evictions *ev = w->pg->evict_writes;
	struct write_record *rec = &ev->record[w - ev->write];

	__atomic_store_n(&rec->nr_pages, 0, __ATOMIC_RELEASE);
	if (!in_flight)
		return;
	__atomic_store_n(&rec->slot, w->slot.v, __ATOMIC_RELEASE);
	__atomic_store_n(&rec->nr_pages, w->nr_pages, __ATOMIC_RELEASE);
}

void evict_write(struct pager *pg, struct space *sp)
{
	struct standby *sb = &sp->standby;

	if (sp->write_backoff_ns && clock_ns() < sp->write_backoff_ns)
		return;
	sp->write_backoff_ns = 0;
	while (sb->nr_dirty) {
		struct write *w = write_get(pg);
		uint32_t first, n;
		slot_t slot;
		int got;

		if (!w)
			return;
		n = standby_find_dirty(sb, WRITE_PAGES_MAX, &first);
		got = slot_alloc(pg->slots, sp->id, n, &slot);
		if (got <= 0) {
			sp->area_full = true;
			sp->write_backoff_ns = clock_ns() + WRITE_BACKOFF_NS;
			sb->write_hand = first;
			return;
		}
		n = (uint32_t)got;
		sb->write_hand = first + n == sb->nr_places ? 0 : first + n;
		for (uint32_t i = 0; i < n; i++) {
			struct page p = page_read(pg, sp, sb->page[first + i]), to = p;
			int err;

			to.slot = slot_add(slot, i);
			slot_get(pg->slots, to.slot); /* the write's own */
			slot_set_checksum(pg->slots, to.slot,
					  slot_hash(pg->slots, to.slot, standby_data(sb, first + i)));
			err = page_change(pg, sp, sb->page[first + i], p, to);
			assert(!err);
			standby_set(sb, first + i, PLACE_WRITING, sb->page[first + i]);
		}
		w->sp = sp;
		w->slot = slot;
		w->place = first;
		w->nr_pages = n;
		record_write(w, true);
		store_write(pg->store, &w->op, slot, n, standby_data(sb, first), sb->buffer);
		sp->nr_writes++;
		failpoint(FP_EVICT_SUBMIT);
	}
}

static void written(struct write *w, bool ok)
{
	struct pager *pg = w->pg;
	struct space *sp = w->sp;
	struct standby *sb = &sp->standby;

	for (uint32_t i = 0; i < w->nr_pages; i++) {
		uint32_t place = w->place + i;
		struct page p, to;
		int err;

		if (sb->state[place] == PLACE_ORPHAN) {
			standby_set(sb, place, PLACE_FREE, (pgno_t){ 0 });
			continue;
		}
		p = page_read(pg, sp, sb->page[place]);
		to = p;
		to.dirty = !ok;
		if (!ok)
			to.slot = SLOT_NONE; /* another one next time */
		err = page_change(pg, sp, sb->page[place], p, to);
		assert(!err);
		standby_set(sb, place, ok ? PLACE_CLEAN : PLACE_DIRTY, sb->page[place]);
	}
}

static void write_done(void *context, struct op *op, int res)
{
	struct write *w = (struct write *)(void *)((char *)op - offsetof(struct write, op));
	struct space *sp = w->sp;
	bool ok = !failpoint(FP_STORE_WRITE) && res == (int)(w->nr_pages * PAGE_SIZE);

	(void)context;
	failpoint(FP_EVICT_WRITTEN);
	if (!ok) {
		space_count(&sp->stats.io_errors, 1);
		sp->write_backoff_ns = clock_ns() + WRITE_BACKOFF_NS;
	}
	written(w, ok);
	for (uint32_t i = 0; i < w->nr_pages; i++)
		slot_put(w->pg->slots, slot_add(w->slot, i));
	record_write(w, false);
	sp->nr_writes--;
	sp->retry = true; /* standby has room: throttled faults may go on */
	w->sp = NULL;
}
