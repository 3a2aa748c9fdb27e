// SPDX-License-Identifier: GPL-2.0-only
/*
 * EVICT, after the agent: page -> unchanged since last written? keep its slot.
 */
#include "evict/settle.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/untrusted.h"
#include "base/failpoint.h"
#include "base/probe.h"
#include "evict/pool.h"
#include "fault/fault.h"
#include "kernel/present.h"
#include "kernel/soft_dirty.h"
#include "kernel/vma.h"
#include "memory/page.h"

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
	/* Filled with zeros it would not be dirty. */
	if (is_zero(data) && !sp->reports.tracks_writes) {
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
	PROBE_3(eviction, sp->process.pid, n.v << PAGE_SHIFT, (int)to.dirty);
}

static void settle_stayed(struct pager *pg, struct space *sp, pgno_t n, uint32_t place, bool pinned,
			  bool gone)
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

/* SIGBUS, never zero: a child may share what went with its parent's staging. */
static void settle_lost(struct pager *pg, struct space *sp, pgno_t n, uint32_t place)
{
	page_lose(pg, sp, n);
	standby_set(&sp->standby, place, PLACE_FREE, (pgno_t){ 0 });
}

/*
 * From there on locked, or of other access bits than staging [F23]: so is all of
 * that mapping, until housekeeping lets it be tried again.
 */
static void fix_mapping(struct space *sp, pgno_t first, pgno_t end)
{
	const struct region *r;
	bool known;
	struct vma v;

	pthread_mutex_lock(&sp->lock);
	r = region_find(&sp->locked.regions, first);
	known = !r || r->fixed; /* by another run of the batch */
	pthread_mutex_unlock(&sp->lock);
	if (known)
		return;
	if (!vma_find(sp->process.maps_fd, pgno_addr(first), &v)) {
		first = addr_pgno(v.start);
		end = addr_pgno(v.end);
	}
	pthread_mutex_lock(&sp->lock);
	region_fix(&sp->locked.regions, first, end); /* or it is tried again at once */
	pthread_mutex_unlock(&sp->lock);
}

static void settle_run(struct pager *pg, struct space *sp, struct run run, uint32_t place,
		       const struct agent_outcome *out, uint32_t mode)
{
	for (uint32_t i = 0; i < run.nr_pages; i++) {
		pgno_t n = pgno_add(run.first, i);
		uint64_t bit = 1ULL << i;

		if (out->settled & bit)
			continue;
		if (out->lost & bit)
			settle_lost(pg, sp, n, place + i);
		else if (out->moved & bit)
			settle_moved(pg, sp, n, place + i);
		else
			settle_stayed(pg, sp, n, place + i, out->pinned & bit, out->gone & bit);
	}
	for (uint64_t back = out->locked || sp->reports.tracks_writes ? out->moved : 0; back;
	     back &= back - 1)
		fault_ask(pg, sp, pgno_add(run.first, (uint32_t)__builtin_ctzll(back)));
	if (mode == AGENT_COPY_DROP) {
		uffd_write_protect(sp->uffd, run, false);
		uffd_wake(sp->uffd, run);
	}
	if (out->error == -EINVAL) {
		uint64_t tried = out->moved | out->pinned | out->gone;
		uint32_t first = ~tried ? (uint32_t)__builtin_ctzll(~tried) : run.nr_pages;

		if (first < run.nr_pages)
			fix_mapping(sp, pgno_add(run.first, first),
				    pgno_add(run.first, run.nr_pages));
	}
}

/*
 * Of a mapping of ours the bit is cleared with those of the program.  That was
 * after a batch moved out, or it is seen before that is settled, and what comes
 * back is dirty.
 */
static void look_for_tracking(struct pager *pg, struct space *sp)
{
	pgno_t unused = addr_pgno(sp->agent.place.stack_addr - PAGE_SIZE);

	if (!pg->soft_dirty || sp->reports.tracks_writes ||
	    soft_dirty_is_set(sp->process.pagemap_fd, unused))
		return;
	sp->reports.tracks_writes = true;
	pager_kick_housekeeping(pg);
}

bool settle_finished(struct pager *pg, struct space *sp)
{
	const struct agent_post *post;
	bool any = false;
	uint64_t before;

	if (agent_finished(&sp->agent))
		look_for_tracking(pg, sp);
	while ((post = agent_finished(&sp->agent))) {
		before = sp->stats.evictions;
		for (uint32_t i = 0; i < post->nr_runs; i++) {
			struct agent_outcome out = agent_outcome(&sp->agent, i);

			settle_run(pg, sp, post->at[i].run, post->at[i].place, &out, post->mode);
		}
		if (post->mode == AGENT_TRIM)
			pool_trimmed(sp, post);
		agent_settle(&sp->agent);
		if (post->mode != AGENT_TRIM)
			sp->worker.vain_batches =
				sp->stats.evictions == before ? sp->worker.vain_batches + 1 : 0;
		any = true;
		failpoint(FP_EVICT_SETTLED);
	}
	if (any) {
		sp->reports.dropping = agent_may_drop(&sp->agent);
		sp->worker.retry = true;
	}
	return any;
}

/* Fetches what moved from staging; true where it is there (EIO at once if not). */
static bool read_staging(struct space *sp, uint32_t staging_page, uint8_t *data)
{
	off_t at = (off_t)(sp->agent.place.staging_addr + (uint64_t)staging_page * PAGE_SIZE);

	return pread(sp->process.mem_fd, data, PAGE_SIZE, at) == (ssize_t)PAGE_SIZE;
}

/*
 * Of a living agent `moved` is exact.  A dead one may have died between its
 * MOVE and the store, so there staging itself is asked.  What was copied and is
 * in staging still may be newer there; what is not, or is the program's again,
 * was copied for good: who brings it back finds it there.
 */
static struct agent_outcome staged_outcome(struct space *sp, uint32_t run_index, bool copied)
{
	struct agent *ag = &sp->agent;
	uint32_t n = ag->settled % AGENT_BATCHES;
	const struct agent_post *post = &ag->posts->post[n];
	struct agent_outcome out = agent_outcome(ag, run_index);
	uint32_t staging = n * AGENT_BATCH_PAGES + post->at[run_index].staging_first;
	uint32_t place = post->at[run_index].place;
	bool gone = ag->dead && uffd_alive(sp->uffd) == -ESRCH;
	uint64_t moved = 0;

	for (uint32_t i = 0; i < post->at[run_index].run.nr_pages; i++)
		if ((ag->dead || out.moved >> i & 1) &&
		    read_staging(sp, staging + i, standby_data(&sp->standby, place + i)))
			moved |= 1ULL << i;
	if (copied)
		moved |= out.moved;
	/* Where the address space went with the agent nobody can tell any more. */
	out.lost = (gone ? ~0ULL : out.moved) & ~moved;
	out.moved = moved;
	return out;
}

void settle_now(struct pager *pg, struct space *sp)
{
	struct agent *ag = &sp->agent;

	settle_finished(pg, sp);
	if (agent_pending(ag))
		look_for_tracking(pg, sp);
	while (agent_pending(ag)) {
		const struct agent_post *post = &ag->posts->post[ag->settled % AGENT_BATCHES];
		enum agent_phase was = agent_revoke(ag);

		if (was == AGENT_COPIED && agent_is_dropping(ag))
			break;
		for (uint32_t i = 0; i < post->nr_runs; i++) {
			struct agent_outcome out = agent_outcome(ag, i);

			if (was != AGENT_DROPPED && post->mode == AGENT_MOVE)
				out = staged_outcome(sp, i, was == AGENT_COPIED);
			else if (was == AGENT_POSTED)
				out.moved = 0; /* nothing was dropped yet */
			settle_run(pg, sp, post->at[i].run, post->at[i].place, &out, post->mode);
		}
		agent_settle(ag);
	}
	sp->reports.dropping = agent_may_drop(&sp->agent);
	sp->worker.retry = true;
}

/* Pages of a run that the daemon before this one had settled already, or never recorded. */
static uint64_t settled_before(struct pager *pg, const struct space *sp, struct run run,
			       uint32_t place)
{
	uint64_t settled = 0;

	for (uint32_t i = 0; i < run.nr_pages; i++) {
		struct page p = page_read(pg, sp, pgno_add(run.first, i));

		if (p.state != PAGE_DETACHING || p.place != place + i)
			settled |= 1ULL << i;
	}
	return settled;
}

/* Whether what is present is what was posted: nothing was mapped in its place since. */
static bool is_in_place(const struct space *sp)
{
	const struct uffd_msg *msg = sp->events->msg;

	for (uint32_t n = 0; n < EVENTS_BATCH && msg[n].event; n++)
		if (msg[n].event == UFFD_EVENT_UNMAP || msg[n].event == UFFD_EVENT_REMAP)
			return false;
	return true;
}

/*
 * `moved` is exact but for a dead agent, as in staged_outcome(); there staging is asked
 * for what is absent, and for all where that cannot be told: of what never moved the
 * program has its page, and nobody will miss another.  From COPIED on all of it is in
 * the pool, or newer in staging.  What is present has stayed whatever the control page
 * says.
 */
static struct agent_outcome inherited_outcome(struct space *sp, uint32_t run_index,
					      uint64_t settled)
{
	struct agent *ag = &sp->agent;
	uint32_t n = ag->settled % AGENT_BATCHES;
	const struct agent_post *post = &ag->posts->post[n];
	struct run run = post->at[run_index].run;
	uint32_t place = post->at[run_index].place;
	uint32_t staging = n * AGENT_BATCH_PAGES + post->at[run_index].staging_first;
	struct agent_outcome out = agent_outcome(ag, run_index);
	uint32_t phase = untrusted(ag->ctl->batch[n].phase);
	bool copied = phase == AGENT_COPIED || phase == AGENT_DROPPED || phase == AGENT_WITHDRAWN;
	bool vanished = ag->dead && uffd_alive(sp->uffd) == -ESRCH;
	uint64_t present[PRESENT_MAX / 64], asked, moved = 0;
	/* In this order: what is present was so before any event that nobody has read. */
	bool known = is_in_place(sp) && !present_read(sp->process.pagemap_fd, run, present) &&
		     !uffd_has_unread(sp->uffd);

	if (known)
		out.moved &= ~present[0];
	out.settled = settled;
	out.pinned = 0;
	out.error = 0;
	if (post->mode == AGENT_MOVE) {
		asked = (ag->dead ? (known ? ~present[0] : ~0ULL) : out.moved) & ~settled;
		for (uint32_t i = 0; i < run.nr_pages; i++)
			if (asked >> i & 1 &&
			    read_staging(sp, staging + i, standby_data(&sp->standby, place + i)))
				moved |= 1ULL << i;
		if (copied)
			moved |= out.moved;
		/* As in staged_outcome(): a child may share it. */
		out.lost = (vanished ? ~0ULL : out.moved) & ~moved;
		out.moved = moved;
	} else if (!copied) {
		out.moved = 0; /* nothing was dropped */
	}
	out.gone = known ? ~present[0] & ~out.moved & ~out.lost : 0;
	return out;
}

void settle_inherited(struct pager *pg, struct space *sp)
{
	struct agent *ag = &sp->agent;

	if (agent_pending(ag))
		look_for_tracking(pg, sp);
	while (agent_pending(ag)) {
		const struct agent_post *post = &ag->posts->post[ag->settled % AGENT_BATCHES];

		agent_revoke(ag);
		for (uint32_t i = 0; i < post->nr_runs; i++) {
			struct run run = post->at[i].run;
			uint32_t place = post->at[i].place;
			struct agent_outcome out =
				inherited_outcome(sp, i, settled_before(pg, sp, run, place));

			settle_run(pg, sp, run, place, &out, post->mode);
		}
		agent_settle(ag);
	}
	agent_catch_up(ag);
}
