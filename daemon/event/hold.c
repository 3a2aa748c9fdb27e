// SPDX-License-Identifier: GPL-2.0-only
#include "event/hold.h"

#include "base/clock.h"

/* When the agent did not let go. */
#define HOLD_MIN_NS (50 * NS_PER_US)
#define HOLD_MAX_NS (20 * NS_PER_MS)

static void fail(struct pager *pg, struct space *sp)
{
	struct space_worker *w = &sp->worker;
	uint64_t now_ns = clock_ns();

	w->hold_pause_ns =
		min_t(uint64_t, max_t(uint64_t, 2 * w->hold_pause_ns, HOLD_MIN_NS), HOLD_MAX_NS);
	w->hold_at_ns = now_ns + w->hold_pause_ns;
	sp->reports.unheld_asked_ns = now_ns;
	if (!sp->reports.unheld_since_ns) {
		sp->reports.unheld_since_ns = now_ns;
		pager_kick_housekeeping(pg);
	}
}

bool hold_begin(struct pager *pg, struct space *sp)
{
	if (clock_ns() < sp->worker.hold_at_ns)
		return false;
	/* Who was asked before has had the time that one MOVE takes. */
	if (!agent_hold(&sp->agent, !sp->worker.hold_pause_ns)) {
		agent_release(&sp->agent);
		fail(pg, sp);
		return false;
	}
	sp->worker.hold_pause_ns = 0;
	sp->reports.unheld_since_ns = 0;
	return true;
}

void hold_end(struct space *sp)
{
	agent_release(&sp->agent);
}
