// SPDX-License-Identifier: GPL-2.0-only
#include "life/takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/log.h"
#include "control/self_rescan.h"
#include "evict/budget.h"
#include "kernel/vma.h"
#include "life/registration.h"

#define ADOPT_AGAIN_NS NS_PER_S
#define UNFIX_MIN_NS   (250 * NS_PER_MS)
#define UNFIX_MAX_NS   (4 * NS_PER_S)

int takeover_open_views(struct space *sp, const struct proc *p)
{
	space_close_views(sp);
	sp->process.pagemap_fd = proc_open_file(p, "pagemap", O_RDONLY);
	sp->process.maps_fd = proc_open_file(p, "maps", O_RDONLY);
	sp->process.task_dir_fd = proc_open_file(p, "task", O_RDONLY | O_DIRECTORY);
	sp->process.mem_fd = proc_open_file(p, "mem", O_RDONLY);
	sp->process.pid = p->pid;
	return sp->process.pagemap_fd < 0    ? sp->process.pagemap_fd
	       : sp->process.maps_fd < 0     ? sp->process.maps_fd
	       : sp->process.task_dir_fd < 0 ? sp->process.task_dir_fd
	       : sp->process.mem_fd < 0	     ? sp->process.mem_fd
					     : 0;
}

struct uses {
	bool registered;
	bool cleared;
};

static bool see_uses(void *context, const struct vma *v)
{
	struct uses *uses = context;

	uses->registered |= v->uffd_missing;
	uses->cleared |= vma_is_pageable(v) && !v->soft_dirty;
	return !uses->registered;
}

/* A mapping belongs to one userfaultfd only; that a page was written is lost when it leaves. */
static int check_unused(const struct pager *pg, const struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	int smaps_fd = proc_open_file(p, "smaps", O_RDONLY);
	struct uses uses = { false, false };
	int err = smaps_fd;

	if (smaps_fd >= 0) {
		err = vma_for_each_detailed(smaps_fd, see_uses, &uses);
		close(smaps_fd);
	}
	if (err) {
		snprintf(text, UPAGER_TEXT_BYTES, "cannot look at the memory of process %d: %s",
			 p->pid, strerror(-err));
		return err;
	}
	if (!uses.registered && pg->soft_dirty && uses.cleared) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d tracks its writes by soft-dirty bits, or was tracked: page "
			 "another",
			 p->pid);
		return -EOPNOTSUPP;
	}
	if (!uses.registered)
		return 0;
	snprintf(text, UPAGER_TEXT_BYTES,
		 "process %d uses userfaultfd on its memory itself, or shares that of a paged one: "
		 "page another",
		 p->pid);
	return -EBUSY;
}

struct placing {
	struct pager *pg;
	struct space *sp;
	struct agent *ag;
	const struct standby *pool;
	const struct proc *p;
};

/* What the space needs to know of it, and whoever comes after a daemon that died. */
static int note_agent(void *context, struct inject_result *res)
{
	const struct placing *pl = context;
	int err;

	failpoint(FP_ATTACH_INJECTED);
	if (fd_readable(pl->p->pidfd)) {
		snprintf(res->cause, sizeof(res->cause), "process %d has exited", pl->p->pid);
		return -ESRCH; /* its number has come to another */
	}
	pl->ag->place = res->place;
	err = agent_set_process(pl->ag, res->agent_pid, res->agent_pidfd, pl->pool->nr_places);
	if (err) {
		snprintf(res->cause, sizeof(res->cause),
			 "process %d may not write files as large as its pool, which its agent has "
			 "to: raise its hard limit (prlimit --fsize) and attach it again",
			 pl->p->pid);
		return err;
	}
	if (res->uffd < 0) {
		pager_record_agent(pl->pg, pl->sp, pl->ag);
		return 0;
	}
	pl->sp->uffd = res->uffd;
	pager_record_space(pl->pg, pl->sp);
	return 0;
}

/* It did not come to stay: its descriptors are closed. */
static void forget_agent(const struct placing *pl)
{
	pl->ag->pidfd = -1;
	pl->ag->pid = 0;
	pl->ag->place = (struct inject_place){ 0 };
}

/* No thread can be stopped just now: not for ever. */
static int say_injection(int err, const struct inject_result *res, char text[UPAGER_TEXT_BYTES])
{
	snprintf(text, UPAGER_TEXT_BYTES, "%.230s", res->cause[0] ? res->cause : strerror(-err));
	return err == -EBUSY ? -EAGAIN : err;
}

static void say_unprepared(const struct proc *p, int err, char text[UPAGER_TEXT_BYTES])
{
	const char *remedy = "free some, or detach another";

	if (err == -EACCES || err == -EPERM)
		remedy = "the daemon may not look into it, because of a container or a security "
			 "module: page another";
	else if (err == -EMFILE || err == -ENFILE)
		remedy = "raise the limit of open files of upagerd";
	else if (err == -ESRCH || err == -ENOENT)
		remedy = "it has ended: name a living one";
	snprintf(text, UPAGER_TEXT_BYTES, "cannot prepare for process %d: %s: %s", p->pid,
		 strerror(-err), remedy);
}

int takeover_begin(struct pager *pg, struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	struct inject_result res = { .uffd = -1, .agent_pidfd = -1 };
	struct space *sp = pager_add_space(pg, -1, 0);
	struct placing pl = { pg, sp, sp ? &sp->agent : NULL, sp ? &sp->standby : NULL, p };
	char cause[INJECT_CAUSE_BYTES] = "";
	int err;

	if (!sp) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "%u address spaces are paged already: detach some", SPACES_MAX - 1);
		return -ENOSPC;
	}
	err = agent_init(&sp->agent, pager_posts(pg, sp->id));
	if (!err)
		err = standby_init(&sp->standby, STANDBY_PLACES_MIN);
	if (!err)
		err = takeover_open_views(sp, p);
	if (err) {
		say_unprepared(p, err, text);
		goto remove_space;
	}
	err = check_unused(pg, p, text);
	if (err)
		goto remove_space;
	sp->orders.budget_pages = p->claim.share;
	sp->locked.terms = p->terms;
	err = inject_attach(p->pid, p->terms.asked_by, pg->caps.dev_userfaultfd, p->stop_any,
			    uffd_wanted_features(&pg->caps), sp->agent.ctl_fd, sp->standby.fd,
			    sp->agent.event_fd, note_agent, &pl, &res);
	if (err) {
		forget_agent(&pl);
		pg->state.records[sp->id].uffd = sp->uffd = -1;
		err = say_injection(err, &res, text);
		goto remove_space;
	}
	p->stopped_ns = res.stopped_ns;
	/* On the main userfaultfd, so that MOVE is refused while an event is unread [F1]. */
	err = uffd_register(sp->uffd, res.place.staging_addr, res.place.staging_bytes, false);
	if (err) {
		snprintf(text, UPAGER_TEXT_BYTES, "cannot register staging in process %d: %s",
			 p->pid, strerror(-err));
		goto remove_agent;
	}
	p->space = sp;
	p->state = UPAGER_PROC_READY;
	pthread_mutex_lock(&sp->lock);
	sp->phase = SPACE_LIVE;
	pthread_mutex_unlock(&sp->lock);
	pager_kick_worker(pg);
	return 0;

remove_agent:
	inject_remove(p->pid, res.agent_pid, res.agent_pidfd, &res.place, cause);
remove_space:
	sp->phase = SPACE_CLOSING;
	pager_kick_worker(pg);
	return err;
}

int takeover_place_agent(struct pager *pg, struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	struct inject_result res = { .uffd = -1, .agent_pidfd = -1 };
	struct new_agent *nc = calloc(1, sizeof(*nc));
	struct space *sp = p->space;
	char cause[INJECT_CAUSE_BYTES];
	struct placing pl = { pg, sp, nc ? &nc->agent : NULL, &sp->standby, p };
	int err;

	if (!nc)
		return -ENOMEM;
	err = agent_init(&nc->agent, pager_posts(pg, sp->id));
	if (!err && sp->standby.fd < 0) {
		err = standby_init(&nc->standby, STANDBY_PLACES_MIN);
		pl.pool = &nc->standby;
	}
	if (err) {
		say_unprepared(p, err, text);
		goto undo;
	}
	err = inject_attach_uffd(p->pid, p->terms.asked_by, sp->uffd, nc->agent.ctl_fd, pl.pool->fd,
				 nc->agent.event_fd, note_agent, &pl, &res);
	if (err) {
		forget_agent(&pl);
		err = say_injection(err, &res, text);
		goto undo;
	}
	err = uffd_register(sp->uffd, res.place.staging_addr, res.place.staging_bytes, false);
	if (err) {
		snprintf(text, UPAGER_TEXT_BYTES, "cannot register staging in process %d: %s",
			 p->pid, strerror(-err));
		inject_remove(p->pid, res.agent_pid, res.agent_pidfd, &res.place, cause);
		goto undo;
	}
	sp->orders.new_agent_pid = nc->agent.pid;
	sp->orders.new_agent = nc;
	pager_kick_worker(pg);
	return 0;

undo:
	pager_record_agent(pg, sp, &sp->agent);
	standby_fini(&nc->standby);
	agent_fini(&nc->agent);
	free(nc);
	return err;
}

/*
 * Much is there that the tables do not know: pages that MADV_FREE left and the
 * program used again.  Once the quarantine lets go of them they are adopted.
 */
static int adopt_left_over(struct proc *p, uint64_t now_ns, bool *added)
{
	struct space *sp = p->space;
	int err = 0;

	if (p->rss_pages <= sp->reports.nr_resident + budget_slack(sp) ||
	    now_ns - p->adopted_ns < ADOPT_AGAIN_NS)
		return 0;
	p->adopted_ns = now_ns;
	pthread_mutex_lock(&sp->lock);
	for (uint32_t i = 0; i < sp->locked.regions.nr && !err; i++)
		err = run_list_add(&sp->locked.adopt, sp->locked.regions.at[i].first,
				   sp->locked.regions.at[i].end);
	pthread_mutex_unlock(&sp->lock);
	*added = true;
	return err;
}

/* No event tells that a mapping was unlocked: at growing intervals as long as some stays so. */
static void try_fixed_again(struct proc *p, uint64_t now_ns)
{
	bool any;

	if (now_ns < p->unfix_at_ns)
		return;
	pthread_mutex_lock(&p->space->lock);
	any = regions_unfix(&p->space->locked.regions);
	pthread_mutex_unlock(&p->space->lock);
	p->unfix_pause_ns = any ? min_t(uint64_t, 2 * p->unfix_pause_ns, UNFIX_MAX_NS) : 0;
	p->unfix_pause_ns = max_t(uint64_t, p->unfix_pause_ns, UNFIX_MIN_NS);
	p->unfix_at_ns = now_ns + p->unfix_pause_ns;
}

int takeover_register(struct pager *pg, struct proc *p)
{
	uint64_t begin_ns = clock_ns();
	bool rescan = p->space->reports.rescan_wanted, added = false;
	int err;

	p->size_changed = false;
	p->space->reports.rescan_wanted = false;
	try_fixed_again(p, begin_ns);
	if (!p->by_itself)
		err = registration_add(pg, p->space, &added);
	else
		err = rescan ? self_rescan(pg, p) : 0;
	if (!err)
		err = adopt_left_over(p, begin_ns, &added);
	p->scanned_ns = clock_ns();
	p->scan_cost_ns = p->scanned_ns - begin_ns;
	if (added) {
		p->space->orders.adopt_wanted = true;
		pager_kick_worker(pg);
	}
	if (p->state == UPAGER_PROC_READY) {
		p->state = UPAGER_PROC_PAGED;
		/* What was split or merged meanwhile is in two parts for mremap() [F21]. */
		p->space->reports.rescan_wanted = true;
	}
	return err;
}

int takeover_end(struct pager *pg, struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	struct space *sp = p->space;
	struct agent *ag = &sp->agent;
	char cause[INJECT_CAUSE_BYTES] = "";
	int err = 0;

	failpoint(FP_DETACH_FILLED);
	/* The worker reads events until the last registration is gone. */
	registration_remove(sp);
	failpoint(FP_DETACH_UNREGISTERED);
	if (ag->ctl && !p->exited) {
		err = inject_remove(p->pid, ag->pid, ag->pidfd, &ag->place, cause);
		if (err)
			snprintf(text, UPAGER_TEXT_BYTES, "%.230s", cause);
	}
	p->space = NULL;
	p->state = UPAGER_PROC_WATCHED;
	pthread_mutex_lock(&sp->lock);
	sp->phase = SPACE_CLOSING;
	pthread_mutex_unlock(&sp->lock);
	pager_kick_worker(pg);
	return err;
}
