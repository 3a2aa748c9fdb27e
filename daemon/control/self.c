// SPDX-License-Identifier: GPL-2.0-only
#include "control/self.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/untrusted.h"
#include "base/clock.h"
#include "base/fd.h"
#include "control/request.h"
#include "control/self_provision.h"
#include "life/quota_check.h"
#include "life/release.h"
#include "life/takeover.h"
#include "recover/keeper.h"

#define JOIN_NS (10 * NS_PER_S)

#define DEVICE "/dev/userfaultfd"

/* All that are on their way. */
static struct self_join *joins;

static bool is_joining(pid_t pid)
{
	const struct self_join *join = joins;

	while (join && join->pid != pid)
		join = join->next;
	return join;
}

static uint32_t nr_joining(uid_t uid)
{
	uint32_t nr = 0;

	for (const struct self_join *join = joins; join; join = join->next)
		nr += join->uid == uid && !join->child;
	return nr;
}

static void forget_join(struct self_join *join)
{
	struct self_join **at = &joins;

	while (*at != join)
		at = &(*at)->next;
	*at = join->next;
	free(join);
}

/*
 * A fork's child that asks before housekeeping has found it would be taken for a
 * process that is not paged yet.
 */
static bool may_be_forked(const struct housekeeping *h, pid_t pid)
{
	char name[16];
	pid_t parent;

	snprintf(name, sizeof(name), "%d", pid);
	parent = proc_parent_of(name);
	for (uint32_t id = 1; id < h->pg->nr_ids; id++) {
		const struct space *sp = pager_space(h->pg, id);
		const struct space *from = sp ? pager_space(h->pg, sp->parent_id) : NULL;

		if (!sp || sp->process.pid || (from && from->process.pid != parent))
			continue;
		/* Or the worker is still making it. */
		if (sp->phase == SPACE_FORKED || (sp->phase == SPACE_NEW && sp->parent_id))
			return true;
	}
	return false;
}

struct proc *self_find(struct housekeeping *h, const struct self_peer *peer, int *err)
{
	struct proc *p = housekeeping_find(h, peer->pid);
	const struct space *sp = p ? p->space : NULL;

	*err = -EAGAIN;
	if (!p)
		*err = may_be_forked(h, peer->pid) ? -EAGAIN : -ESRCH;
	else if (fd_readable(peer->pidfd)) /* the number is another process's by now */
		*err = -ESRCH;
	else if (p->state != UPAGER_PROC_DETACHING &&
		 (sp ? sp->phase == SPACE_LIVE : !p->by_itself)) /* or it executed just now */
		return p;
	return NULL;
}

/* What must be so whoever asks; from here on join->sp is to be let go of. */
static int begin_space(struct housekeeping *h, struct self_join *join, char text[UPAGER_TEXT_BYTES])
{
	int err;

	join->sp = pager_add_space(h->pg, -1, 0);
	if (!join->sp) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "%u address spaces are paged already: detach some", SPACES_MAX - 1);
		return -ENOSPC;
	}
	join->agent = &join->sp->agent;
	err = agent_init(join->agent, pager_posts(h->pg, join->sp->id));
	if (!err)
		err = standby_init(&join->sp->standby, STANDBY_PLACES_MIN);
	if (!err)
		err = takeover_open_views(join->sp, join->p);
	if (!err)
		return 0;
	snprintf(text, UPAGER_TEXT_BYTES, "cannot prepare for process %d: %s", join->pid,
		 strerror(-err));
	return err;
}

/* A fork's child has a space and a userfaultfd, but no agent. */
static int begin_child(struct pager *pg, struct self_join *join, char text[UPAGER_TEXT_BYTES])
{
	int err = -ENOMEM;

	join->child = true;
	join->new_agent = calloc(1, sizeof(*join->new_agent));
	if (join->new_agent) {
		join->agent = &join->new_agent->agent;
		err = agent_init(join->agent, pager_posts(pg, join->sp->id));
		if (!err && join->sp->standby.fd < 0)
			err = standby_init(&join->new_agent->standby, STANDBY_PLACES_MIN);
	}
	if (err)
		snprintf(text, UPAGER_TEXT_BYTES, "cannot prepare for process %d: %s", join->pid,
			 strerror(-err));
	return err;
}

static int check_new(const struct housekeeping *h, const struct self_peer *peer,
		     char text[UPAGER_TEXT_BYTES])
{
	if (may_be_forked(h, peer->pid))
		return -EAGAIN;
	if (peer->pid == getpid() || keeper_is(peer->pid))
		return -EPERM;
	if (h->pg->caps.move && h->pg->caps.dev_userfaultfd)
		return 0;
	snprintf(text, UPAGER_TEXT_BYTES,
		 "without %s a process cannot be paged by itself: use Linux 6.8 or later, or "
		 "upager attach",
		 h->pg->caps.move ? DEVICE : "UFFDIO_MOVE");
	return -EOPNOTSUPP;
}

static int open_new(struct self_join *join, const struct self_peer *peer,
		    char text[UPAGER_TEXT_BYTES])
{
	int err = proc_open(&join->p, peer->pid, text);

	if (err)
		return err;
	if (fd_readable(peer->pidfd)) {
		proc_close(join->p);
		return -ESRCH;
	}
	/* Nobody else can be behind the connection; /proc is root's if it is not dumpable. */
	join->p->uid = join->p->terms.asked_by = peer->uid;
	join->p->terms.weight = UPAGER_WEIGHT_DEFAULT;
	join->p->by_itself = true;
	proc_sample(join->p);
	return 0;
}

static int begin(struct housekeeping *h, struct self_join *join, const struct self_peer *peer,
		 char text[UPAGER_TEXT_BYTES])
{
	struct proc *p = housekeeping_find(h, peer->pid);
	int err;

	if (p) {
		join->p = p;
		join->sp = p->space;
		return begin_child(h->pg, join, text);
	}
	err = check_new(h, peer, text);
	if (!err)
		err = open_new(join, peer, text);
	if (err)
		return err;
	join->p->terms.budget_bytes = join->budget_bytes ? join->budget_bytes : h->memory_bytes;
	join->p->claim.share = join->p->claim.max = join->p->terms.budget_bytes / PAGE_SIZE;
	return begin_space(h, join, text);
}

/* Already known, and nothing is to be done but about its budget. */
static bool is_settled(const struct proc *p)
{
	return !p->by_itself || agent_present(&p->space->agent) || p->space->orders.new_agent;
}

int self_join(struct housekeeping *h, const struct self_peer *peer, uint64_t budget_bytes,
	      struct self_join **joinp, struct upager_provision *provision, int *fd,
	      char text[UPAGER_TEXT_BYTES])
{
	const struct upager_request budget = { .budget_bytes = budget_bytes };
	struct self_join *join;
	struct proc *p;
	int err = 0;

	*joinp = NULL;
	p = self_find(h, peer, &err);
	if (!p && err != -ESRCH)
		return err;
	err = budget_bytes ? request_check_budget(h, budget_bytes, text) : 0;
	if (!err && p && budget_bytes)
		err = request_set_budget(h, p, &budget, text);
	if (err || (p && is_settled(p)))
		return err;
	/* Of a fork's child that has copies the pool goes first. */
	if (is_joining(peer->pid) || (p && p->space->reports.has_copies))
		return -EAGAIN;
	if (p && p->space->agent.ctl) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "the agent of process %d was ended: detach it first", peer->pid);
		return -EIO;
	}
	err = p ? 0 : quota_check_process(h, peer->uid, nr_joining(peer->uid), text);
	if (err)
		return err;
	join = calloc(1, sizeof(*join));
	if (!join)
		return -ENOMEM;
	join->next = joins;
	joins = join;
	join->pid = peer->pid;
	join->uid = peer->uid;
	join->budget_bytes = budget_bytes;
	join->deadline_ns = clock_ns() + JOIN_NS;
	err = begin(h, join, peer, text);
	if (!err)
		err = self_provision_tell(join, provision, fd, text);
	if (err) {
		self_abort(h, join);
		return err;
	}
	*joinp = join;
	return 0;
}

/* The child may have gone, or executed something, meanwhile. */
static bool child_is_gone(struct housekeeping *h, const struct self_join *join)
{
	struct proc *p;

	if (!join->child)
		return false;
	p = housekeeping_find(h, join->pid);
	return !p || p != join->p || p->space != join->sp || join->sp->orders.new_agent ||
	       join->sp->phase != SPACE_LIVE;
}

int self_provisioned(struct housekeeping *h, struct self_join *join, uint64_t addr, uint64_t nrs,
		     int *uffd, char text[UPAGER_TEXT_BYTES])
{
	if (child_is_gone(h, join))
		return -ESRCH;
	return self_provision_check(h->pg, join, addr, nrs, uffd, text);
}

int self_started(struct self_join *join, int *agent_pidfd, char text[UPAGER_TEXT_BYTES])
{
	pid_t pid = proc_of_pidfd(*agent_pidfd);
	int err;

	if (!join->provisioned || join->agent->pidfd >= 0 || pid <= 0 || pid == join->pid ||
	    syscall(SYS_kcmp, join->pid, pid, KCMP_VM, 0, 0)) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "no agent of process %d was named: use the library", join->pid);
		return -EINVAL;
	}
	err = agent_set_process(join->agent, pid, *agent_pidfd,
				self_provision_pool(join)->nr_places);
	*agent_pidfd = -1;
	if (err)
		snprintf(text, UPAGER_TEXT_BYTES,
			 "the agent may not write files as large as its pool: raise the hard limit "
			 "of file size");
	return err;
}

static void commit(struct housekeeping *h, struct self_join *join)
{
	struct space *sp = join->sp;
	struct proc *p = join->p;

	if (join->child) {
		sp->orders.new_agent_pid = join->new_agent->agent.pid;
		sp->orders.new_agent = join->new_agent;
		pager_kick_worker(h->pg);
		forget_join(join);
		return;
	}
	sp->orders.budget_pages = p->claim.share;
	sp->locked.terms = p->terms;
	sp->process.by_itself = true;
	p->space = sp;
	p->state = UPAGER_PROC_READY;
	pager_record_space(h->pg, sp);
	pthread_mutex_lock(&sp->lock);
	sp->phase = SPACE_LIVE;
	pthread_mutex_unlock(&sp->lock);
	housekeeping_add(h, p);
	pager_kick_worker(h->pg);
	forget_join(join);
}

/* As somebody's child it may have been followed meanwhile. */
static bool give_way(struct housekeeping *h, const struct self_join *join)
{
	struct proc *known = housekeeping_find(h, join->pid);

	if (known && known->space)
		return false;
	if (known)
		release_proc(h, known);
	return true;
}

int self_ready(struct housekeeping *h, struct self_join *join, char text[UPAGER_TEXT_BYTES])
{
	const struct agent_ctl *ctl = join->agent->ctl;
	int error = untrusted(ctl->setup_error);

	if (child_is_gone(h, join))
		return -ESRCH;
	if (error) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "the agent's set-up: %s; does a seccomp filter forbid it?",
			 error < 0 && error > -4096 ? strerror(-error) : "?");
		return -EACCES;
	}
	if (fd_readable(join->agent->pidfd)) {
		snprintf(text, UPAGER_TEXT_BYTES, "the agent died in its set-up: try again");
		return -EIO;
	}
	if (!untrusted(ctl->ready))
		return -EINPROGRESS;
	if (!join->child && !give_way(h, join)) {
		snprintf(text, UPAGER_TEXT_BYTES, "process %d has been attached meanwhile",
			 join->pid);
		return -EEXIST;
	}
	commit(h, join);
	return 0;
}

bool self_is_late(const struct self_join *join)
{
	return clock_ns() > join->deadline_ns;
}

void self_abort(struct housekeeping *h, struct self_join *join)
{
	if (join->agent)
		agent_dismiss(join->agent);
	if (join->child) {
		if (join->agent && join->provisioned && !child_is_gone(h, join))
			uffd_unregister(join->sp->uffd, join->agent->place.staging_addr,
					join->agent->place.staging_bytes);
		if (join->new_agent) {
			standby_fini(&join->new_agent->standby);
			agent_fini(&join->new_agent->agent);
		}
		free(join->new_agent);
		forget_join(join);
		return;
	}
	if (join->sp) {
		join->sp->phase = SPACE_CLOSING;
		pager_kick_worker(h->pg);
	}
	if (join->p)
		proc_close(join->p);
	forget_join(join);
}
