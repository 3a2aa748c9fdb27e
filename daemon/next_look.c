// SPDX-License-Identifier: GPL-2.0-only
#include "next_look.h"

#include "base/clock.h"
#include "evict/budget.h"

/* An event is to be read before; who waits for room waits for longer. */
static bool is_growing_up(const struct pager *pg, const struct space *sp)
{
	return sp->phase == SPACE_FORKED && sp->orders.identified && !tables_short(pg->tables);
}

/* Faults, events, reads and writes. */
static bool is_served(const struct space *sp)
{
	const struct space_worker *w = &sp->worker;

	return !w->readable && !w->reread && !w->events_waiting && !w->retry && !w->retry_at_ns &&
	       !w->deferred.nr && !w->nr_writes && !sp->reports.nr_reading &&
	       !standby_only_copies(&sp->standby) && !w->nr_copies;
}

/* What leaves, or would have to. */
static bool is_settled(const struct space *sp)
{
	return !agent_pending(&sp->agent) && !sp->worker.evict_more &&
	       !sp->worker.evict_backoff_ns && !sp->worker.revoke_wanted && !sp->worker.starved &&
	       !sp->reports.stop_wanted && quarantine_empty(&sp->quarantine) &&
	       !(space_can_evict(sp) && budget_excess(sp));
}

bool space_is_quiet(const struct space *sp)
{
	return (sp->phase == SPACE_LIVE || (sp->phase == SPACE_FORKED && !sp->orders.identified)) &&
	       is_served(sp) && is_settled(sp) && !sp->orders.new_agent &&
	       !sp->orders.adopt_wanted && !sp->orders.fetch_wanted &&
	       !range_job_waits(&sp->range_job) && !where_job_waits(&sp->where_job);
}

uint64_t space_next_look(const struct pager *pg, const struct space *sp, uint64_t now_ns)
{
	const struct space_worker *w = &sp->worker;
	uint64_t next_ns = w->evict_backoff_ns;

	if (!w->events_waiting)
		next_ns = sooner_ns(w->retry_at_ns, next_ns);
	/* For room nobody tells. */
	if (w->events_waiting || (sp->phase == SPACE_FORKED && sp->orders.identified))
		next_ns = sooner_ns(now_ns + ROOM_LOOK_NS, next_ns);
	if (sp->standby.nr_dirty)
		next_ns = sooner_ns(w->write_backoff_ns, next_ns);
	if ((w->readable || w->revoke_wanted) && w->hold_at_ns > now_ns)
		next_ns = sooner_ns(w->hold_at_ns, next_ns);
	/* Nobody faults any more who would have it looked whether that is late. */
	if (sp->orders.gone && agent_pending(&sp->agent))
		next_ns = sooner_ns(now_ns + ROOM_LOOK_NS, next_ns);
	if ((w->readable && w->hold_at_ns <= now_ns) || w->retry || sp->orders.adopt_wanted ||
	    range_job_waits(&sp->range_job) || where_job_waits(&sp->where_job) || w->evict_more ||
	    sp->orders.fetch_wanted || sp->phase == SPACE_FILLING || is_growing_up(pg, sp))
		next_ns = sooner_ns(now_ns + 50 * NS_PER_US, next_ns);
	return next_ns;
}
