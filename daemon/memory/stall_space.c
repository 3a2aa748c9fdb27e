// SPDX-License-Identifier: GPL-2.0-only
#include "memory/stall_space.h"

#include "base/clock.h"

static bool somebody_waits(const struct space *sp)
{
	return sp->phase < SPACE_CLOSING &&
	       (sp->worker.deferred.nr_waits || sp->worker.nr_waited_reads);
}

void stall_begin(struct pager *pg, struct space *sp, uint64_t now_ns)
{
	if (stall_runs(&sp->stall))
		return;
	stall_start(&sp->stall, now_ns);
	if (!pg->worker.nr_stalled++)
		stall_start(&pg->stall, now_ns);
}

void stall_look(struct pager *pg, struct space *sp)
{
	uint64_t now_ns;

	if (!stall_runs(&sp->stall) || somebody_waits(sp))
		return;
	now_ns = clock_ns();
	stall_stop(&sp->stall, now_ns);
	if (!--pg->worker.nr_stalled)
		stall_stop(&pg->stall, now_ns);
}
