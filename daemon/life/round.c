// SPDX-License-Identifier: GPL-2.0-only
#include "life/round.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "evict/budget.h"
#include "kernel/owner.h"
#include "life/child.h"
#include "life/descendants.h"
#include "life/full_look.h"
#include "life/hung.h"
#include "life/patience.h"
#include "life/pause.h"
#include "life/pool_memory.h"
#include "life/release.h"
#include "life/say.h"
#include "life/sigbus.h"
#include "life/takeover.h"
#include "life/wakeup.h"
#include "share/allot.h"

/* Forks that nobody can be served of are seen to end. */
#define TICK_NS	       (50 * NS_PER_MS)
/* Of the budget: where the agent is placed, and where mappings are registered. */
#define PLACE_PART     4
#define REGISTER_PART  2
/* A scan may take a tenth of the time. */
#define SCAN_SHARE     10
#define RESCAN_NS      NS_PER_S
/* Most children of a fork exit or execute something at once. */
#define CHILD_GROWN_NS (500 * NS_PER_MS)
/* What cannot be begun yet. */
#define BEGIN_NS       (100 * NS_PER_MS)
#define BEGIN_MAX_NS   (2 * NS_PER_S)

void round_init(struct housekeeping *h)
{
	tracking_init(&h->tracking, h->pg, &h->announced);
	descendants_init(&h->descendants);
}

/* The process no longer runs in this space: the agent must not keep it alive. */
static void leave_space(struct proc *p)
{
	struct space *sp = p->space;

	pause_end(p);
	sp->orders.gone = true; /* look_after_space() dismisses the agent */
	p->space = NULL;
	p->state = UPAGER_PROC_WATCHED;
}

/* The kernel said so first. */
static void leave_closed(struct proc *p)
{
	pause_end(p);
	p->space = NULL;
	p->state = UPAGER_PROC_WATCHED;
}

static void say_late(struct space *sp)
{
	bool late = sp->reports.late;

	if (late && !sp->housekeeping.late_said)
		log_warn("the agent in process %d does not answer: the program goes on over its "
			 "budget until it does; is it stopped (process %d)?",
			 sp->process.pid, sp->agent.pid);
	sp->housekeeping.late_said = late;
}

/* Of a process that is known its end is known, too: then it is gone. */
static bool alive_due(struct space *sp)
{
	uint64_t now_ns = clock_ns();

	if (now_ns < sp->housekeeping.alive_at_ns)
		return false;
	sp->housekeeping.alive_at_ns = now_ns + TICK_NS;
	return true;
}

static void average_stall(const struct stall *st, struct pressure *some, struct full *full)
{
	uint64_t now_ns = clock_ns();

	pressure_look(some, stall_ns(st), now_ns);
	pressure_look(&full->pressure, full->total_ns, now_ns);
}

/* A space whose process exited or executed lives until the kernel says ESRCH [F13]. */
static void look_after_space(struct housekeeping *h, struct space *sp)
{
	struct pager *pg = h->pg;

	if (sp->phase == SPACE_NEW || sp->phase >= SPACE_CLOSING)
		return;
	say_late(sp);
	average_stall(&sp->stall, &sp->housekeeping.pressure, &sp->housekeeping.full);
	hung_look_after(sp);
	pool_memory_look_after(pg, sp);
	if (sp->orders.new_agent) {
		sp->housekeeping.agent_watched = false;
	} else if (sp->agent.ctl && !sp->housekeeping.agent_watched) {
		sp->housekeeping.agent_watched = true;
		housekeeping_watch(h, sp->agent.pidfd);
	}
	if (!sp->orders.new_agent && !sp->agent.dead && sp->agent.ctl &&
	    fd_readable(sp->agent.pidfd)) {
		sp->agent.dead = true;
		if (!sp->orders.gone)
			log_warn("the agent in process %d died: its memory is served but no longer "
				 "evicted; detach and attach it again",
				 sp->process.pid);
		pager_kick_worker(pg);
	}
	/*
	 * Again each time: an agent may have come after the process had gone.  Not
	 * before all that it moved is settled: it keeps staging alive, which may
	 * hold what a child forked at the last instant has to inherit [F11].
	 */
	if (sp->orders.gone && !sp->orders.new_agent && !sp->agent.dead) {
		if (agent_pending(&sp->agent))
			pager_kick_worker(pg); /* it may sleep */
		else
			agent_dismiss(&sp->agent);
	}
	/*
	 * Without an agent exec ends the address space at once.  With one the
	 * kernel says so when the agent begins to take it down: not before that is
	 * done, for who waits until nothing is left.
	 */
	if ((sp->orders.gone || ((!sp->agent.ctl || sp->agent.dead) && alive_due(sp))) &&
	    uffd_alive(sp->uffd) == -ESRCH &&
	    (!sp->agent.ctl || sp->agent.dead || fd_readable(sp->agent.pidfd))) {
		pthread_mutex_lock(&sp->lock);
		sp->phase = SPACE_CLOSING;
		pthread_mutex_unlock(&sp->lock);
		pager_kick_worker(pg);
		return;
	}
	if (sp->phase == SPACE_FORKED && !sp->orders.identified)
		child_look_after(h, sp);
}

static void free_closed(struct housekeeping *h)
{
	struct space *sp;

	while ((sp = pager_next_closed(h->pg))) {
		for (struct proc *p = h->procs; p; p = p->next)
			if (p->space == sp)
				leave_closed(p);
		space_free(sp);
	}
}

static bool scan_due(const struct proc *p, uint64_t now_ns)
{
	uint64_t since_ns = now_ns - p->scanned_ns;

	if (since_ns < p->scan_cost_ns * SCAN_SHARE)
		return false;
	return p->state == UPAGER_PROC_READY || p->size_changed ||
	       p->space->reports.rescan_wanted || since_ns > RESCAN_NS;
}

/* A watched process has grown.  It may have executed a set-uid program since it was watched. */
static int begin(struct housekeeping *h, struct proc *p)
{
	if (p->terms.asked_by && !owner_is(p->pid, p->terms.asked_by)) {
		snprintf(p->text, sizeof(p->text),
			 "it is set-uid, or not dumpable: start it as root to page it");
		return -EPERM;
	}
	if (p->followed && descendants_shares(h, p))
		return -EAGAIN;
	return takeover_begin(h->pg, p, p->text);
}

/*
 * ESRCH: it is ending, which its pidfd will tell, or executing something else:
 * look again.  EAGAIN: no thread can be stopped now, all may wait for faults.
 * Of a followed child the mappings may be those of a paged parent, until it
 * executes something or is found to be that of a fork event.
 */
static bool is_refusal(struct proc *p, int err, uint64_t now_ns)
{
	if (!err) {
		p->delay[0] = '\0';
		p->begin_pause_ns = 0;
	}
	if (err == -EAGAIN || (p->followed && err == -EBUSY)) {
		if (err == -EAGAIN)
			memcpy(p->delay, p->text, sizeof(p->delay));
		p->begin_pause_ns = min_t(
			uint64_t, max_t(uint64_t, 2 * p->begin_pause_ns, BEGIN_NS), BEGIN_MAX_NS);
		p->begin_at_ns = now_ns + p->begin_pause_ns;
		err = -ESRCH;
	}
	if (err == -ESRCH)
		p->text[0] = '\0';
	return err && err != -ESRCH;
}

/*
 * A child has at its birth what its parent had, most of it shared: near its
 * budget is not yet a need, and there may be a thousand.
 */
static bool wants_agent(const struct housekeeping *h, const struct proc *p, uint64_t now_ns)
{
	const struct space *sp = p->space;
	bool over = budget_resident(sp) > sp->orders.budget_pages;

	return (allot_exceeded(h, p) || (over && now_ns - p->since_ns > CHILD_GROWN_NS)) &&
	       allot_near(h, p, REGISTER_PART);
}

static void look_after_growth(struct housekeeping *h, struct proc *p, uint64_t now_ns)
{
	struct space *sp = p->space;
	uint64_t tracked, begin_ns = clock_ns();
	int err = 0;

	if (!sp) {
		if (p->state != UPAGER_PROC_WATCHED || now_ns < p->begin_at_ns ||
		    !allot_near(h, p, PLACE_PART) || !patience_has(h, p->uid))
			return;
		err = begin(h, p);
		patience_charge(h, p->uid, begin_ns);
		if (is_refusal(p, err, now_ns)) {
			p->state = UPAGER_PROC_REFUSED;
			log_warn("process %d is not paged: %s", p->pid, p->text);
		}
		return;
	}
	if (sp->reports.tracks_writes && !p->text[0]) {
		snprintf(p->text, sizeof(p->text),
			 "it tracks its writes by soft-dirty bits: no more is taken out of it");
		log_warn("process %d is served but not evicted: %s", p->pid, p->text);
	}
	tracked = sp->reports.nr_resident;
	/* The budget of what is paged by itself is for what it registered. */
	sp->orders.other_pages =
		!p->by_itself && p->rss_pages > tracked ? p->rss_pages - tracked : 0;
	if (sp->phase != SPACE_LIVE)
		pause_end(p);
	if (sp->phase != SPACE_LIVE || sp->orders.new_agent)
		return;
	if (!p->by_itself && !sp->agent.ctl && !sp->reports.has_copies && !p->text[0] &&
	    now_ns >= p->begin_at_ns && wants_agent(h, p, now_ns) && patience_has(h, p->uid)) {
		err = takeover_place_agent(h->pg, p, p->text);
		patience_charge(h, p->uid, begin_ns);
		if (is_refusal(p, err, now_ns))
			log_warn("process %d is served but not evicted: %s", p->pid, p->text);
		return;
	}
	if ((p->state == UPAGER_PROC_PAGED || (!p->by_itself && allot_near(h, p, REGISTER_PART))) &&
	    scan_due(p, now_ns))
		takeover_register(h->pg, p);
	if (budget_excess(sp))
		pager_kick_worker(h->pg);
	pause_step(h->pg, p, now_ns);
}

/* What was read before the watch began is over when it ends. */
static void look_after_quarantine(struct proc *p)
{
	uint64_t safe_ns;

	if (!p->space || quarantine_empty(&p->space->quarantine))
		return;
	safe_ns = zap_watch_look(&p->zaps, p->dir_fd, p->rss_pages, clock_ns());
	if (safe_ns)
		p->space->orders.quarantine_safe_ns = safe_ns;
}

static void look_after_proc(struct housekeeping *h, struct proc *p, uint64_t now_ns)
{
	int err;

	if (fd_readable(p->pidfd)) {
		p->exited = true;
		if (p->space)
			leave_space(p);
		release_proc(h, p);
		return;
	}
	p->borrows = p->borrows && descendants_borrows(p);
	err = proc_sample(p);
	wakeup_plan(p, now_ns);
	if (err) {
		/* Exiting: its pidfd tells, but not before its stopped threads are let go. */
		pause_end(p);
		return;
	}
	if (p->space && p->state != UPAGER_PROC_DETACHING && !proc_same_space(p))
		leave_space(p); /* it executed another program */
	if (p->by_itself && !p->space) {
		release_proc(h, p); /* which has not asked to be paged */
		return;
	}
	if (p->space)
		full_look(&p->space->housekeeping.full, &p->space->stall, p, false);
	look_after_growth(h, p, now_ns);
	look_after_quarantine(p);
}

/* With time between for them to end, or to fault again. */
static void look_after_unserved(struct housekeeping *h, uint64_t now_ns)
{
	if (now_ns < h->sigbus_at_ns)
		return;
	h->sigbus_at_ns = now_ns + TICK_NS;
	sigbus_look_after(h);
}

uint64_t round_tick(struct housekeeping *h)
{
	uint64_t now_ns = clock_ns();
	bool all = wakeup_any_ended(h);
	struct proc *p, *next;
	uint64_t next_ns;
	bool more = tables_refill(h->pg->tables);

	more |= slots_refill(h->pg->slots);
	pager_spares_refill(h->pg);
	inject_reap();
	tracking_tick(&h->tracking, h->procs);
	descendants_tick(h);
	allot(h, now_ns);
	for (p = h->procs; p; p = next) {
		next = p->next;
		if (all || wakeup_is_due(p, now_ns))
			look_after_proc(h, p, now_ns);
	}
	for (uint32_t id = 1; id < h->pg->nr_ids; id++) {
		struct space *sp = pager_space(h->pg, id);

		if (sp)
			look_after_space(h, sp);
	}
	free_closed(h);
	full_look(&h->full, &h->pg->stall, h->procs, true);
	average_stall(&h->pg->stall, &h->pressure, &h->full);
	next_ns = wakeup_next_ns(h, now_ns);
	look_after_unserved(h, now_ns);
	if (unserved_look_after(&h->pg->state.unserved) || more)
		next_ns = min_t(uint64_t, next_ns, TICK_NS);
	if (h->procs || pager_has_spaces(h->pg))
		next_ns = min_t(uint64_t, next_ns, descendants_next_ns(&h->descendants, now_ns));
	say_all(h, now_ns);
	return next_ns;
}
