// SPDX-License-Identifier: GPL-2.0-only
#include "fault/readahead_space.h"

struct run readahead_of_space(struct space *sp, pgno_t n, uint32_t limit, uint32_t *stream)
{
	enum region_hint hint = REGION_PLAIN;
	const struct region *r;
	struct run plan;

	if (sp->orders.hinted) {
		pthread_mutex_lock(&sp->lock);
		r = region_find(&sp->locked.regions, n);
		hint = r ? r->hint : REGION_PLAIN;
		pthread_mutex_unlock(&sp->lock);
	}
	if (hint == REGION_RANDOM)
		return (struct run){ n, 1 };
	plan = readahead_plan(&sp->worker.readahead, n, limit, stream);
	if (hint != REGION_SEQUENTIAL)
		return plan;
	plan = readahead_widen(&sp->worker.readahead, *stream, plan, n, limit);
	if (plan.first.v == n.v)
		space_leave_behind(sp, n);
	return plan;
}
