// SPDX-License-Identifier: GPL-2.0-only
#include "life/wakeup.h"

#include <sys/epoll.h>
#include <time.h>

#include "base/clock.h"

#define PAUSE_MIN_NS (5 * NS_PER_MS)
#define PAUSE_MAX_NS (32 * PAUSE_MIN_NS)
/* Where nothing is: what does not wake housekeeping by itself, the module for one. */
#define NOTHING_NS   NS_PER_S
#define ENDS_MAX     16
/* No agent is placed before a quarter of the budget is used; 2 GiB/s at most are touched. */
#define WATCH_PART   4
#define PAGES_PER_MS 512

static uint64_t cpu_ns(const struct proc *p)
{
	struct timespec ts;
	clockid_t id;

	if (clock_getcpuclockid(p->pid, &id) || clock_gettime(id, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static bool needs_housekeeping(const struct proc *p)
{
	const struct space *sp = p->space;

	if (p->state == UPAGER_PROC_READY || p->state == UPAGER_PROC_DETACHING || p->stop_active)
		return true;
	return sp && (sp->reports.stop_wanted || sp->reports.rescan_wanted ||
		      sp->phase != SPACE_LIVE || sp->orders.new_agent ||
		      !quarantine_empty(&sp->quarantine) || sp->stats.faults != p->faults_looked);
}

/* How long it takes at least to get where something is to be done about it. */
static uint64_t growth_ns(const struct proc *p)
{
	uint64_t place = p->claim.share / WATCH_PART;

	if (p->space || p->terms.family || p->rss_pages >= place)
		return PAUSE_MIN_NS;
	return min_t(
		uint64_t,
		max_t(uint64_t, (place - p->rss_pages) / PAGES_PER_MS * NS_PER_MS, PAUSE_MIN_NS),
		PAUSE_MAX_NS);
}

bool wakeup_is_due(const struct proc *p, uint64_t now_ns)
{
	return now_ns >= p->look_at_ns ||
	       (needs_housekeeping(p) && now_ns >= p->looked_ns + PAUSE_MIN_NS / 2);
}

void wakeup_plan(struct proc *p, uint64_t now_ns)
{
	struct space *sp = p->space;
	uint64_t ran_ns = cpu_ns(p);
	bool active =
		needs_housekeeping(p) || (p->state != UPAGER_PROC_REFUSED && ran_ns != p->ran_ns);

	p->pause_ns = active ? growth_ns(p)
			     : min_t(uint64_t, max_t(uint64_t, 2 * p->pause_ns, PAUSE_MIN_NS),
				     PAUSE_MAX_NS);
	p->ran_ns = ran_ns;
	p->faults_looked = sp ? (uint64_t)sp->stats.faults : 0;
	p->looked_ns = now_ns;
	if (sp)
		sp->reports.told = false;
	/* At multiples: all that pause as long are looked at in one go. */
	p->look_at_ns = active ? now_ns + p->pause_ns : (now_ns / p->pause_ns + 1) * p->pause_ns;
}

bool wakeup_any_ended(struct housekeeping *h)
{
	struct epoll_event event[ENDS_MAX];

	return epoll_wait(h->ends_fd, event, ENDS_MAX, 0) > 0;
}

/* The worker waits for it, or the program does. */
static bool is_urgent(const struct proc *p)
{
	return p->stop_active ||
	       (p->space && (p->space->reports.told || p->space->reports.stop_wanted));
}

static bool needs_look(const struct space *sp)
{
	return sp->phase == SPACE_FORKED || sp->phase >= SPACE_CLOSING || sp->orders.gone ||
	       sp->orders.new_agent || sp->reports.unheld_since_ns;
}

uint64_t wakeup_next_ns(const struct housekeeping *h, uint64_t now_ns)
{
	uint64_t next_ns = now_ns + NOTHING_NS;

	for (const struct proc *p = h->procs; p; p = p->next) {
		uint64_t pause_ns = is_urgent(p) ? PAUSE_MIN_NS / 2 : PAUSE_MIN_NS;
		uint64_t at_ns = needs_housekeeping(p) ? p->looked_ns + pause_ns : p->look_at_ns;

		next_ns = min_t(uint64_t, next_ns, at_ns);
	}
	for (uint32_t id = 1; id < h->pg->nr_ids; id++) {
		const struct space *sp = pager_space(h->pg, id);

		if (sp && needs_look(sp))
			next_ns = min_t(uint64_t, next_ns, now_ns + PAUSE_MIN_NS);
	}
	return next_ns > now_ns ? next_ns - now_ns : 0;
}
