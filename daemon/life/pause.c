// SPDX-License-Identifier: GPL-2.0-only
#include "life/pause.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "evict/budget.h"
#include "life/takeover.h"

#define STOP_MAX_NS (300 * NS_PER_MS)
/* A drop that takes longer hangs, and so would the program. */
#define DROP_MAX_NS (2 * NS_PER_S)
/* Of its time a program may be scanned, where that is not needed each time. */
#define SCAN_SHARE  10
/*
 * The program runs at least so long between two pauses: twice as long as before
 * where the last was in vain, which it is where little of what was too much left:
 * the rest is locked, pinned or read-only.
 */
#define RUN_MIN_NS  (2 * NS_PER_MS)
#define RUN_MAX_NS  (200 * NS_PER_MS)
#define VAIN_PART   16
/* Nor does housekeeping stop threads for more than a quarter of its time. */
#define STOP_SHARE  3

/*
 * Until the agent drops nothing any more where the program could write it or
 * map something else meanwhile [F2].  A dead agent drops nothing.
 */
static void wait_dropped(const struct space *sp)
{
	const struct timespec pause = { .tv_nsec = 100 * NS_PER_US };
	uint64_t begin_ns = clock_ns();

	while (sp->reports.dropping && sp->phase < SPACE_CLOSING && !fd_readable(sp->agent.pidfd) &&
	       clock_ns() - begin_ns < DROP_MAX_NS)
		nanosleep(&pause, NULL);
	if (!sp->reports.dropping || sp->phase >= SPACE_CLOSING || fd_readable(sp->agent.pidfd))
		return;
	/* Rather no eviction any more than a drop beside the running program. */
	log_warn("the agent in process %d hangs: ending it", sp->process.pid);
	syscall(SYS_pidfd_send_signal, sp->agent.pidfd, SIGKILL, NULL, 0);
	while (!fd_readable(sp->agent.pidfd) && clock_ns() - begin_ns < 2 * DROP_MAX_NS)
		nanosleep(&pause, NULL);
}

void pause_end(struct proc *p)
{
	if (!p->stop_active)
		return;
	if (p->space) {
		p->space->orders.stopped = false;
		wait_dropped(p->space);
	}
	inject_stop_end(&p->stop);
	p->stop_active = false;
	p->paused_ns += clock_ns() - p->stop_began_ns;
}

static void let_run(struct pager *pg, struct proc *p, bool vain)
{
	p->run_ns = vain ? min_t(uint64_t, p->run_ns * 2 + RUN_MIN_NS, RUN_MAX_NS) : RUN_MIN_NS;
	p->run_until_ns = clock_ns() + max_t(uint64_t, p->run_ns, STOP_SHARE * p->stopping_ns);
	/* Faults do not wait so long for what will not come. */
	p->space->orders.stop_vain = vain && !pg->caps.move;
}

static bool was_vain(const struct proc *p)
{
	return p->space->stats.evictions - p->stop_evictions < p->stop_excess / VAIN_PART;
}

void pause_step(struct pager *pg, struct proc *p, uint64_t now_ns)
{
	struct space *sp = p->space;
	char cause[INJECT_CAUSE_BYTES] = "";
	uint64_t begin_ns;
	/* Not for what it only has to hand over: it goes on meanwhile. */
	bool over = p->pressed && p->rss_pages > sp->orders.budget_pages + 2 * budget_slack(sp);

	int err;

	if (p->stop_active) {
		bool more = over || (sp->reports.stop_wanted && budget_excess(sp));

		if (more && now_ns - p->stop_began_ns < STOP_MAX_NS && space_can_evict(sp) &&
		    sp->phase == SPACE_LIVE)
			return;
		sp->reports.stop_wanted = false;
		pause_end(p);
		let_run(pg, p, was_vain(p));
		return;
	}
	if (!(sp->reports.stop_wanted && budget_excess(sp)) && !over)
		return;
	if (!space_can_evict(sp) || sp->phase != SPACE_LIVE)
		return;
	/* Not again and again without letting it run in between. */
	if (now_ns < p->run_until_ns)
		return;
	p->stop_began_ns = now_ns;
	begin_ns = clock_ns();
	err = inject_stop_begin(p->pid, sp->agent.pid, &p->stop, cause);
	p->stopping_ns = clock_ns() - begin_ns;
	sp->orders.stop_failed = err != 0;
	snprintf(p->delay, sizeof(p->delay), "%s", err == -EAGAIN ? cause : "");
	if (err) {
		let_run(pg, p, err == -EAGAIN);
		return;
	}
	p->stop_active = true;
	p->stop_evictions = sp->stats.evictions;
	p->stop_excess = budget_excess(sp);
	p->pauses++;
	/* What is dropped must be registered still [F2]; what is moved is checked by MOVE. */
	if (!pg->caps.move || now_ns - p->scanned_ns > SCAN_SHARE * p->scan_cost_ns)
		takeover_register(pg, p);
	sp->orders.stopped = true;
	pager_kick_worker(pg);
}
