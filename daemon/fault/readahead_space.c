// SPDX-License-Identifier: GPL-2.0-only
#include "fault/readahead_space.h"

struct run readahead_of_space(struct space *sp, pgno_t n, uint32_t limit, uint32_t *stream)
{
	enum region_hint hint = space_hint(sp, n);
	struct run plan;

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
