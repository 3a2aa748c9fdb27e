// SPDX-License-Identifier: GPL-2.0-only
#include "life/tracking.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "life/proc_record.h"
#include "uapi/upager.h"

#define LOOK_NS	  NS_PER_S
#define REPORT_NS NS_PER_S

void tracking_init(struct tracking *t, struct pager *pg, struct announced *announced)
{
	*t = (struct tracking){ .pg = pg, .announced = announced };
	pg->module_fd = -1;
}

static void close_all(struct tracking *t)
{
	t->pg->module_fd = -1;
	module_events_close(&t->events);
	module_close(&t->module);
	t->look_at_ns = clock_ns() + LOOK_NS;
}

/* After any command that failed: whether the module is still to be used. */
static bool usable(struct tracking *t, int err)
{
	if (!t->module.sock)
		return false;
	switch (err) {
	case -ENOENT:
		log_warn("the module upager was unloaded: going on without it");
		break;
	case -EPERM:
		log_warn("the module upager cannot be used: that takes "
			 "CAP_NET_ADMIN and CAP_SYS_PTRACE");
		t->refused = true;
		break;
	case -EIO:
	case -ENOMEM:
		log_warn("the module upager does not answer (%s): trying again", strerror(-err));
		break;
	default:
		return true;
	}
	close_all(t);
	return false;
}

/* The worker's own way to ask, where it evicts by DONTNEED. */
static void offer_pinned(struct tracking *t)
{
	struct pager *pg = t->pg;
	struct module *m;

	if (pg->caps.move || pg->pinned || !module_has(&t->module, UPAGER_FEATURE_PINNED))
		return;
	m = calloc(1, sizeof(*m));
	if (m && module_open(m)) {
		free(m);
		m = NULL;
	}
	pg->pinned = m;
}

static void open_all(struct tracking *t, struct proc *procs)
{
	int err = module_open(&t->module);

	if (err == -EXDEV) {
		log_warn("the module upager is not used: the daemon is not in the initial pid "
			 "namespace");
		t->refused = true;
	}
	if (err)
		return;
	if (module_has(&t->module, UPAGER_FEATURE_EVENTS) && module_events_open(&t->events))
		log_debug("no events of the module, ignoring");
	t->pg->module_fd = module_events_fd(&t->events);
	for (struct proc *p = procs; p; p = p->next)
		p->track_at_ns = p->told_ns = 0;
	log_info("the module upager shows what is paged");
}

static void announce(void *context, const struct module_event *event)
{
	struct tracking *t = context;

	/* EXEC and EXIT have done their work: housekeeping is awake. */
	if (event->cmd == UPAGER_CMD_FORK)
		announced_add(t->announced, event->pid, event->parent_pid);
}

static bool same_counters(const struct upager_record *a, const struct upager_record *b)
{
	size_t from = offsetof(struct upager_record, budget_bytes);

	return !memcmp((const char *)a + from, (const char *)b + from,
		       offsetof(struct upager_record, latency_ns_log2) - from);
}

/* -EAGAIN: nothing was to be told. */
static int report(struct tracking *t, struct proc *p, uint64_t now_ns)
{
	struct upager_record rec;
	int err;

	if (p->told_ns && now_ns - p->told_ns < REPORT_NS)
		return -EAGAIN;
	proc_record(NULL, p, &rec);
	if (p->told_ns && same_counters(&rec, &p->told))
		return -EAGAIN;
	err = module_report(&t->module, p->pid, &rec);
	if (!err) {
		p->told = rec;
		p->told_ns = now_ns;
	}
	return err;
}

static void look_after(struct tracking *t, struct proc *p, uint64_t now_ns)
{
	int err = 0;

	if (!p->space && !p->tracked)
		return; /* nothing of ours is in it */
	if (!p->tracked || !p->track_at_ns) {
		if (now_ns < p->track_at_ns)
			return;
		p->track_at_ns = now_ns + LOOK_NS;
		err = module_track(&t->module, p->pid);
		p->tracked = !err;
		if (err == -E2BIG && !t->full_said)
			log_warn("the module upager tracks as many processes as it can: others are "
				 "paged, but not shown");
		t->full_said |= err == -E2BIG;
	}
	if (!err)
		err = report(t, p, now_ns);
	if (err == -ESRCH)
		p->track_at_ns = p->tracked = 0; /* ended, or somebody stopped it */
	usable(t, err);
}

void tracking_tick(struct tracking *t, struct proc *procs)
{
	uint64_t now_ns = clock_ns();

	if (t->refused)
		return;
	if (now_ns >= t->look_at_ns) {
		t->look_at_ns = now_ns + LOOK_NS;
		if (t->module.sock)
			usable(t, module_refresh(&t->module));
		else
			open_all(t, procs);
		offer_pinned(t);
	}
	if (!t->module.sock)
		return;
	module_events_read(&t->events, announce, t);
	for (struct proc *p = procs; p && t->module.sock; p = p->next)
		look_after(t, p, now_ns);
}

void tracking_end(struct tracking *t, struct proc *p)
{
	if (p->tracked && !p->exited && t->module.sock)
		usable(t, module_untrack(&t->module, p->pid));
	p->tracked = false;
}
