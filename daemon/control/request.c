// SPDX-License-Identifier: GPL-2.0-only
#include "control/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "kernel/meminfo.h"
#include "life/descendants.h"
#include "life/patience.h"
#include "life/pause.h"
#include "life/quota_check.h"
#include "life/release.h"
#include "life/roster.h"
#include "life/say.h"
#include "life/takeover.h"
#include "recover/keeper.h"
#include "share/allot.h"

int request_check_budget(const struct housekeeping *h, uint64_t budget_bytes,
			 char text[UPAGER_TEXT_BYTES])
{
	if (budget_bytes < REQUEST_BUDGET_MIN_BYTES) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "a budget of %llu bytes is too small: give at least 4M",
			 (unsigned long long)budget_bytes);
		return -EINVAL;
	}
	if (budget_bytes > h->memory_bytes) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "a budget of %lluM is more than this machine's memory: give at most %lluM",
			 (unsigned long long)(budget_bytes >> 20),
			 (unsigned long long)(h->memory_bytes >> 20));
		return -EINVAL;
	}
	return 0;
}

/* A family is founded with a first member, who may be refused: allot() buries what is empty. */
static int agree(struct housekeeping *h, struct proc *p, const struct upager_request *req,
		 uid_t uid)
{
	const struct family *f;

	p->terms = (struct terms){
		.budget_bytes = req->budget_bytes,
		.weight = req->weight ? req->weight : UPAGER_WEIGHT_DEFAULT,
		.asked_by = uid,
	};
	p->claim.share = p->claim.max = req->budget_bytes / PAGE_SIZE;
	if (!(req->flags & UPAGER_ATTACH_FAMILY))
		return 0;
	f = family_new(&h->families, p->pid, req->budget_bytes, p->terms.weight);
	if (!f)
		return -ENOMEM;
	p->terms.family = f->id;
	return 0;
}

int request_attach(struct housekeeping *h, const struct upager_request *req, uid_t uid, int target,
		   char text[UPAGER_TEXT_BYTES])
{
	uint64_t begin_ns = clock_ns();
	pid_t pid = req->pid;
	struct proc *p;
	int err;

	err = request_check_budget(h, req->budget_bytes, text);
	if (err)
		return err;
	if (housekeeping_find(h, pid)) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d is paged already: change its budget with upager budget", pid);
		return -EEXIST;
	}
	if (pid == getpid() || keeper_is(pid)) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d is the pager itself, which must stay resident", pid);
		return -EPERM;
	}
	if (pager_is_agent(h->pg, pid)) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d is the pager's own agent in a paged program: name another",
			 pid);
		return -EPERM;
	}
	err = quota_check_process(h, uid, 0, text);
	if (err)
		return err;
	descendants_open(&h->descendants);
	failpoint(FP_ATTACH_ALLOWED);
	err = proc_open(&p, pid, text);
	if (err)
		return err;
	if (fd_readable(target)) { /* its number may be another's */
		snprintf(text, UPAGER_TEXT_BYTES, "process %d has ended: name a living one", pid);
		proc_close(p);
		return -ESRCH;
	}
	p->stop_any = req->flags & UPAGER_ATTACH_NOW;
	err = agree(h, p, req, uid);
	proc_sample(p);
	if (!err && !(req->flags & UPAGER_ATTACH_WATCH))
		err = takeover_begin(h->pg, p, text);
	patience_charge(h, p->uid, begin_ns);
	p->stop_any = false; /* once */
	if (err) {
		proc_close(p);
		return err;
	}
	housekeeping_add(h, p);
	if (p->terms.family)
		descendants_take_all(h, p);
	roster_write(h, true);
	say_begin(p);
	return 0;
}

static void set_terms(struct pager *pg, struct proc *p, uint64_t budget_bytes, uint32_t weight)
{
	p->terms.budget_bytes = budget_bytes;
	p->terms.weight = weight;
	if (!p->space)
		return;
	pthread_mutex_lock(&p->space->lock);
	p->space->locked.terms = p->terms;
	pthread_mutex_unlock(&p->space->lock);
	pager_record_space(pg, p->space);
}

int request_set_budget(struct housekeeping *h, struct proc *p, const struct upager_request *req,
		       char text[UPAGER_TEXT_BYTES])
{
	struct family *f = family_find(&h->families, p->terms.family);
	struct terms terms = p->terms;
	bool keep = !req->budget_bytes && req->weight;
	int err = keep ? 0 : request_check_budget(h, req->budget_bytes, text);

	if (err)
		return err;
	terms.budget_bytes = keep ? terms.budget_bytes : req->budget_bytes;
	terms.weight = req->weight ? req->weight : terms.weight;
	if (f) {
		f->budget_bytes = terms.budget_bytes;
		f->weight = terms.weight;
	}
	for (struct proc *q = h->procs; q; q = q->next)
		if (q == p || (f && q->terms.family == f->id))
			set_terms(h->pg, q, terms.budget_bytes, terms.weight);
	if (p->space)
		p->space->orders.evict_off = false;
	h->roster_changed = true;
	roster_write(h, true);
	allot(h, clock_ns());
	pager_kick_worker(h->pg);
	return 0;
}

uint64_t request_outside_bytes(const struct proc *p)
{
	const struct space *sp = p->space;

	return sp ? (sp->reports.nr_swapped + sp->reports.nr_standby) * PAGE_SIZE : 0;
}

uint64_t request_spare_bytes(void)
{
	uint64_t available = meminfo_bytes("MemAvailable:");

	return available - available / 20;
}

/* What is lost would read as zeros as soon as nobody serves its faults. */
static int check_lost(const struct housekeeping *h, const struct proc *p,
		      char text[UPAGER_TEXT_BYTES])
{
	const struct space *sp = p->space;

	if (!sp->reports.nr_lost || h->pg->caps.poison || p->exited)
		return 0;
	snprintf(text, UPAGER_TEXT_BYTES,
		 "process %d has lost %llu pages, which it would read as zeros without the "
		 "pager on this kernel: end it instead",
		 p->pid, (unsigned long long)sp->reports.nr_lost);
	return -EIO;
}

int request_fill(struct housekeeping *h, struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	struct space *sp = p->space;
	uint64_t need;
	int err;

	if (!sp)
		return 0;
	err = check_lost(h, p, text);
	if (err)
		return err;
	need = request_outside_bytes(p);
	if (need > request_spare_bytes()) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d has %lluM outside and memory has room for %lluM: free some "
			 "first",
			 p->pid, (unsigned long long)(need >> 20),
			 (unsigned long long)(request_spare_bytes() >> 20));
		return -ENOMEM;
	}
	pause_end(p);
	pthread_mutex_lock(&sp->lock);
	sp->orders.evict_off = true;
	if (sp->phase == SPACE_LIVE) {
		sp->orders.fill_cursor = 0;
		sp->phase = SPACE_FILLING;
	}
	pthread_mutex_unlock(&sp->lock);
	pager_kick_worker(h->pg);
	return 0;
}

bool request_fill_pending(struct housekeeping *h, struct proc *p)
{
	char text[UPAGER_TEXT_BYTES];

	if (!p->space)
		return false;
	/* A fork's child that was asked of before it had grown up. */
	if (p->space->phase == SPACE_LIVE && p->space->orders.evict_off)
		request_fill(h, p, text);
	return p->space->phase != SPACE_FILLED && p->space->phase < SPACE_CLOSING;
}

void request_resume(struct housekeeping *h, struct proc *p)
{
	struct space *sp = p->space;

	if (!sp)
		return;
	pthread_mutex_lock(&sp->lock);
	if (sp->phase == SPACE_FILLED || sp->phase == SPACE_FILLING)
		sp->phase = SPACE_LIVE;
	sp->orders.evict_off = false;
	pthread_mutex_unlock(&sp->lock);
	pager_kick_worker(h->pg);
}

int request_release(struct housekeeping *h, struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	uint64_t begin_ns = clock_ns();
	int err = 0;

	/* More may have been lost while it came in. */
	if (p->space)
		err = check_lost(h, p, text);
	if (err) {
		p->state = UPAGER_PROC_PAGED;
		request_resume(h, p);
		return err;
	}
	if (p->space)
		err = takeover_end(h->pg, p, text);
	patience_charge(h, p->uid, begin_ns);
	if (!err)
		say_end(p);
	release_proc(h, p);
	return err;
}
