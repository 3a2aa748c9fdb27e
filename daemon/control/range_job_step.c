// SPDX-License-Identifier: GPL-2.0-only
#include "control/range_job_step.h"

#include "evict/budget.h"
#include "fault/populate.h"
#include "memory/change.h"
#include "memory/page.h"

/* No page of the range is in one of the states; bits 1 << enum page_state. */
static bool range_is_free_of(struct pager *pg, const struct space *sp, pgno_t first, pgno_t end,
			     unsigned int states)
{
	const uint64_t *leaf;
	pgno_t n = first, base;

	while (n.v < end.v &&
	       (leaf = table_next_leaf(pg->tables, sp->worker.root, n, end, &base))) {
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
			pgno_t at = pgno_add(base, i);

			if (at.v >= first.v && at.v < end.v &&
			    states >> page_entry_state(leaf[i]) & 1)
				return false;
		}
		n = pgno_add(base, TABLE_ENTRIES);
	}
	return true;
}

/* A batch that was posted before the range job may still take pages out. */
static bool fetch(struct pager *pg, struct space *sp, struct range_job *e)
{
	const unsigned int outside = 1u << PAGE_DETACHING | 1u << PAGE_STANDBY | 1u << PAGE_SWAPPED;

	if (!populate_range(pg, sp, &e->cursor, e->end))
		return false;
	if (sp->reports.nr_lost && sp->worker.deferred.nr)
		return false; /* what is to poison a page may wait among them */
	if (range_is_free_of(pg, sp, e->first, e->end, outside))
		return true;
	e->cursor = e->first.v;
	return false;
}

/* What is outside was moved there since, and stayed registered. */
static bool forget(struct pager *pg, struct space *sp, struct range_job *e)
{
	bool room;

	if (!change_begin(sp, CHANGE_LOOKED)) {
		sp->worker.revoke_wanted |= agent_pending(&sp->agent) != 0;
		return false;
	}
	room = page_range_room(pg, sp, e->first, e->end);
	if (room)
		page_forget(pg, sp, e->first, e->end);
	change_end(sp);
	return room;
}

static void fetch_ahead(struct pager *pg, struct space *sp, struct page_range *r)
{
	uint64_t room = budget_room(sp), cursor = r->first.v;
	pgno_t end = r->end;

	if (end.v > r->first.v + room)
		end.v = r->first.v + room;
	if (room)
		r->first.v = populate_range(pg, sp, &cursor, end) ? end.v : cursor;
	else if (!space_can_evict(sp))
		r->first = r->end; /* a hint does not go beyond the budget */
}

/* Housekeeping only adds at the end, so the range is looked up again. */
static void ahead_step(struct pager *pg, struct space *sp)
{
	struct page_range was = { 0 }, now;

	pthread_mutex_lock(&sp->lock);
	if (sp->phase != SPACE_LIVE)
		sp->locked.fetch.nr = 0;
	if (sp->locked.fetch.nr)
		was = *run_list_last(&sp->locked.fetch);
	else
		sp->orders.fetch_wanted = false;
	pthread_mutex_unlock(&sp->lock);
	if (!was.end.v)
		return;
	now = was;
	fetch_ahead(pg, sp, &now);
	pthread_mutex_lock(&sp->lock);
	for (uint32_t i = 0; i < sp->locked.fetch.nr; i++) {
		struct page_range *r = &sp->locked.fetch.at[i];

		if (r->first.v != was.first.v || r->end.v != was.end.v)
			continue;
		*r = now;
		if (now.first.v >= now.end.v) {
			*r = *run_list_last(&sp->locked.fetch);
			run_list_pop(&sp->locked.fetch);
		}
		break;
	}
	pthread_mutex_unlock(&sp->lock);
}

void range_job_step(struct pager *pg, struct space *sp)
{
	struct range_job *e = &sp->range_job;
	uint32_t from = e->state;
	uint32_t to = from;

	if (sp->orders.fetch_wanted)
		ahead_step(pg, sp);
	if (from == RANGE_JOB_FETCH && fetch(pg, sp, e)) {
		e->changes = sp->locked.map_changes;
		to = RANGE_JOB_FETCHED;
	} else if (from == RANGE_JOB_FORGET && forget(pg, sp, e)) {
		to = RANGE_JOB_FORGOTTEN;
	}
	/* Housekeeping may have given it up. */
	if (to != from && atomic_compare_exchange_strong(&e->state, &from, to))
		pager_kick_housekeeping(pg);
}
