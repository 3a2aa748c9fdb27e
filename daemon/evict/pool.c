// SPDX-License-Identifier: GPL-2.0-only
#include "evict/pool.h"

#include <assert.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "memory/page.h"

/* A sixteenth of the budget, but 2 MiB for the smallest. */
#define BUDGET_PART   16
#define ENOUGH_PLACES 512
/* Where there was no memory for more. */
#define AGAIN_NS      NS_PER_S
/* Nothing was evicted for so long. */
#define IDLE_NS	      (30 * NS_PER_S)
#define IDLE_TEST_NS  (50 * NS_PER_MS)
/* Pages that are forgotten in one turn, for nobody's sake. */
#define SHED_SLICE    256

uint32_t pool_forget(struct pager *pg, struct space *sp, uint32_t first, uint32_t nr_places)
{
	struct standby *sb = &sp->standby;
	uint32_t nr = 0;

	for (uint32_t i = first; i < first + nr_places; i++) {
		struct page p;
		int err;

		if (standby_state(sb, i) != PLACE_CLEAN)
			continue;
		p = page_read(pg, sp, standby_page(sb, i));
		err = page_change(pg, sp, standby_page(sb, i), p,
				  (struct page){ .state = PAGE_SWAPPED, .slot = p.slot });
		assert(!err);
		standby_set(sb, i, PLACE_FREE, (pgno_t){ 0 });
		nr++;
	}
	return nr;
}

void pool_forget_all(struct pager *pg, struct space *sp)
{
	pool_forget(pg, sp, 0, sp->standby.nr_places);
}

void pool_register(struct pager *pg, struct space *sp)
{
	struct standby *sb = &sp->standby;

	for (uint32_t i = 0; i < sb->nr_parts && sp->id < POOLS_MAX; i++) {
		struct standby_part *part = sb->part[i];
		uint32_t buffer = sp->id * STANDBY_PARTS_MAX + i;

		if (part->buffer < 0 && !store_pool_register(pg->worker.store, buffer, part->map,
							     part->nr_places * PAGE_SIZE))
			part->buffer = (int)buffer;
	}
}

static void part_unregister(struct pager *pg, struct standby_part *part)
{
	if (part->buffer >= 0)
		store_pool_unregister(pg->worker.store, (uint32_t)part->buffer);
	part->buffer = -1;
}

void pool_unregister(struct pager *pg, struct space *sp)
{
	for (uint32_t i = 0; i < sp->standby.nr_parts; i++)
		part_unregister(pg, sp->standby.part[i]);
}

static void take_part(struct pager *pg, struct space *sp)
{
	struct standby_growth *g = &sp->growth;

	if (!g->offered)
		return;
	standby_add_part(&sp->standby, g->offered);
	g->offered = NULL;
	pager_record_space(pg, sp); /* before a place of it is used */
	failpoint(FP_POOL_GROWN);
	pool_register(pg, sp);
	g->is_short = false;
	sp->worker.retry = true; /* faults that waited for room */
}

static void want_part(struct pager *pg, struct space *sp, uint64_t now_ns)
{
	struct standby *sb = &sp->standby;
	struct standby_growth *g = &sp->growth;
	uint64_t most = max_t(uint64_t, sp->orders.budget_pages / BUDGET_PART, ENOUGH_PLACES);
	uint32_t next = standby_next_size(sb, min_t(uint64_t, most, sp->agent.file_pages));

	if (!g->is_short || g->wanted || g->offered || agent_trims(&sp->agent) ||
	    (g->error && now_ns < g->asked_ns + AGAIN_NS))
		return;
	if (next == sb->nr_places)
		return;
	sb->nr_backed = max_t(uint32_t, sb->nr_backed, next); /* in part, if it fails */
	g->asked_ns = now_ns;
	g->wanted = next;
	pager_kick_housekeeping(pg);
}

/* From the end on, so that the rest is of use as long as possible.  False: some are in use. */
static bool forget_slice(struct pager *pg, struct space *sp, const struct standby_part *part)
{
	uint32_t nr = 0;

	for (uint32_t i = part->first + part->nr_places; i-- > part->first && nr < SHED_SLICE;) {
		if (standby_state(&sp->standby, i) != PLACE_FREE &&
		    standby_state(&sp->standby, i) != PLACE_CLEAN)
			return false;
		nr += pool_forget(pg, sp, i, 1);
	}
	return true;
}

static bool is_free(const struct standby_part *part)
{
	for (uint32_t i = 0; i < part->nr_places; i++)
		if (part->state[i] != PLACE_FREE)
			return false;
	return true;
}

static void shed_part(struct pager *pg, struct space *sp)
{
	struct standby_part *part = standby_remove_part(&sp->standby);

	part_unregister(pg, part);
	pager_record_space(pg, sp);
	failpoint(FP_POOL_SHED);
	sp->growth.shed = part;
	pager_kick_housekeeping(pg);
}

/*
 * The agent makes the hole: who wants one waits for whatever the program makes
 * the agent do to the file meanwhile.
 */
static bool trim(struct space *sp)
{
	struct standby *sb = &sp->standby;
	struct agent_post *post = agent_next_post(&sp->agent);

	if (!post)
		return false;
	post->mode = AGENT_TRIM;
	post->unheld = 0;
	post->nr_pages = min_t(uint32_t, sb->nr_backed - sb->nr_places, AGENT_BATCH_PAGES);
	post->at[0].place = sb->nr_backed - post->nr_pages;
	agent_submit(&sp->agent);
	return true;
}

void pool_trimmed(struct space *sp, const struct agent_post *post)
{
	sp->standby.nr_backed = post->at[0].place;
}

static uint64_t give_back(struct pager *pg, struct space *sp, uint64_t now_ns)
{
	struct standby *sb = &sp->standby;
	struct standby_growth *g = &sp->growth;
	uint64_t idle_ns = failpoint(FP_POOL_IDLE) ? IDLE_TEST_NS : IDLE_NS;
	struct standby_part *part = sb->part[sb->nr_parts - 1];

	if (sb->nr_backed == STANDBY_PLACES_MIN || g->wanted || g->offered || g->shed ||
	    agent_pending(&sp->agent))
		return 0; /* or the end of that wakes */
	if (!g->used_ns) /* the pool is that of a daemon that died */
		g->used_ns = now_ns;
	if (now_ns < g->used_ns + idle_ns)
		return g->used_ns + idle_ns;
	if (sb->nr_parts > 1 && (sp->worker.events_waiting || !forget_slice(pg, sp, part))) {
		g->used_ns = now_ns;
		return now_ns + idle_ns;
	}
	g->is_short = false;
	g->error = 0; /* nobody misses it any more */
	if (sb->nr_parts == 1)
		return trim(sp) ? 0 : now_ns + idle_ns;
	if (!is_free(part))
		return now_ns;
	shed_part(pg, sp);
	return 0; /* housekeeping wakes */
}

uint64_t pool_step(struct pager *pg, struct space *sp, uint64_t now_ns)
{
	if (!agent_present(&sp->agent) || sp->phase != SPACE_LIVE || !sp->standby.nr_parts)
		return 0;
	take_part(pg, sp);
	want_part(pg, sp, now_ns);
	return give_back(pg, sp, now_ns);
}
