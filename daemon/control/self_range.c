// SPDX-License-Identifier: GPL-2.0-only
/* The ranges of a process that is paged by itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/request.h"
#include "control/self.h"
#include "kernel/vma.h"
#include "life/takeover.h"

/* A range is brought in again so often at most. */
#define FETCH_TRIES 100

struct cover {
	uint64_t at; /* mapped without a hole up to here */
	uint64_t end;
	int error;
};

static bool see(void *context, const struct vma *v)
{
	struct cover *c = context;

	if (v->end <= c->at)
		return true;
	if (v->start > c->at || c->at >= c->end)
		return false;
	if (!vma_is_pageable(v))
		c->error = -EINVAL;
	c->at = v->end;
	return !c->error && c->at < c->end;
}

static int check_mapped(const struct space *sp, uint64_t addr, uint64_t bytes,
			char text[UPAGER_TEXT_BYTES])
{
	struct cover c = { .at = addr, .end = addr + bytes };
	int err = vma_for_each(sp->process.maps_fd, see, &c);

	if (err)
		return err;
	if (c.error)
		snprintf(text, UPAGER_TEXT_BYTES,
			 "what is mapped there is not private, anonymous and writable, or is a "
			 "stack: only such memory can be paged");
	else if (c.at < c.end)
		snprintf(text, UPAGER_TEXT_BYTES, "not all of the range is mapped: map it first");
	return c.error ? c.error : c.at < c.end ? -ENOMEM : 0;
}

static bool overlaps(const struct space *sp, uint64_t addr, uint64_t bytes)
{
	const struct inject_place *pl = &sp->agent.place;

	return pl->ctl_addr && addr < pl->staging_addr + pl->staging_bytes &&
	       addr + bytes > pl->ctl_addr;
}

static int add(struct space *sp, pgno_t first, pgno_t end, uint64_t changes)
{
	int err = 0;

	pthread_mutex_lock(&sp->lock);
	if (sp->locked.map_changes != changes)
		/*
		 * Another thread unmaps meanwhile: what was registered may be gone and
		 * something else in its place.  The kernel will tell what is registered.
		 */
		sp->reports.rescan_wanted = true;
	else if (region_add(&sp->locked.regions, first, end) ||
		 run_list_add(&sp->locked.adopt, first, end))
		err = -ENOMEM;
	pthread_mutex_unlock(&sp->lock);
	return err;
}

/* All of it is, or will be as the process grows. */
static int register_whole(struct housekeeping *h, struct proc *p, pgno_t first, pgno_t end,
			  char text[UPAGER_TEXT_BYTES])
{
	if (p->state != UPAGER_PROC_PAGED || self_knows(h, p, first, end))
		return 0;
	snprintf(text, UPAGER_TEXT_BYTES,
		 "process %d is paged as a whole, and the range is not among what can be paged",
		 p->pid);
	return -EINVAL;
}

int self_register(struct housekeeping *h, struct proc *p, uint64_t addr, uint64_t bytes,
		  char text[UPAGER_TEXT_BYTES])
{
	pgno_t first = addr_pgno(addr), end = addr_pgno(addr + bytes);
	struct space *sp = p->space;
	uint64_t changes;
	int err;

	if (!p->by_itself)
		return register_whole(h, p, first, end, text);
	pthread_mutex_lock(&sp->lock);
	changes = sp->locked.map_changes;
	pthread_mutex_unlock(&sp->lock);
	if (overlaps(sp, addr, bytes)) {
		snprintf(text, UPAGER_TEXT_BYTES, "the pager's own memory cannot be paged");
		return -EINVAL;
	}
	err = check_mapped(sp, addr, bytes, text);
	if (!err)
		err = uffd_register(sp->uffd, addr, bytes, false);
	if (err == -EBUSY)
		snprintf(text, UPAGER_TEXT_BYTES,
			 "the program has registered it with a userfaultfd of its own");
	if (!err)
		err = add(sp, first, end, changes);
	if (err)
		return err;
	p->state = UPAGER_PROC_PAGED;
	sp->orders.adopt_wanted = true;
	pager_kick_worker(h->pg);
	return 0;
}

struct rescan {
	struct space *sp;
	uint64_t changes; /* map_changes before the maps were read */
	int error;
};

/*
 * That it is registered does not tell by whom; registering it again does
 * [-EBUSY].  That something in its place may get registered is no harm: it is
 * paged then, and nothing of it is lost.
 */
static bool rescan_one(void *context, const struct vma *v)
{
	struct rescan *scan = context;
	struct space *sp = scan->sp;
	bool known;

	if (!v->uffd_missing || !vma_is_pageable(v) || overlaps(sp, v->start, v->end - v->start))
		return true;
	pthread_mutex_lock(&sp->lock);
	known = region_covers(&sp->locked.regions, addr_pgno(v->start), addr_pgno(v->end));
	pthread_mutex_unlock(&sp->lock);
	if (!known && !uffd_register(sp->uffd, v->start, v->end - v->start, false))
		scan->error = add(sp, addr_pgno(v->start), addr_pgno(v->end), scan->changes);
	return !scan->error;
}

int self_rescan(struct pager *pg, struct proc *p)
{
	struct rescan scan = { .sp = p->space };
	int fd = proc_open_file(p, "smaps", O_RDONLY);
	int err;

	if (fd < 0)
		return fd;
	pthread_mutex_lock(&p->space->lock);
	scan.changes = p->space->locked.map_changes;
	pthread_mutex_unlock(&p->space->lock);
	err = vma_for_each_detailed(fd, rescan_one, &scan);
	close(fd);
	p->space->orders.adopt_wanted = true;
	pager_kick_worker(pg);
	return err ? err : scan.error;
}

bool self_knows(struct housekeeping *h, struct proc *p, pgno_t first, pgno_t end)
{
	struct space *sp = p->space;
	bool known = false;

	for (int round = 0; round < 2 && !known; round++) {
		if (round && (p->by_itself ? self_rescan(h->pg, p) : takeover_register(h->pg, p)))
			return false;
		pthread_mutex_lock(&sp->lock);
		known = region_covers(&sp->locked.regions, first, end);
		pthread_mutex_unlock(&sp->lock);
	}
	return known;
}

int self_unregister(struct housekeeping *h, struct proc *p, uint64_t addr, uint64_t bytes,
		    char text[UPAGER_TEXT_BYTES])
{
	pgno_t first = addr_pgno(addr), end = addr_pgno(addr + bytes);
	struct space *sp = p->space;
	uint64_t outside;

	if (!p->by_itself) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d is paged as a whole: upager detach %d gives it all back",
			 p->pid, p->pid);
		return -EPERM;
	}
	if (!self_knows(h, p, first, end)) {
		snprintf(text, UPAGER_TEXT_BYTES, "not all of the range is registered");
		return -ENOMEM;
	}
	if (sp->reports.nr_lost && !h->pg->caps.poison) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "pages were lost, which would read as zeros: end the program instead");
		return -EIO;
	}
	outside = min_t(uint64_t, bytes,
			(sp->reports.nr_swapped + sp->reports.nr_standby) * PAGE_SIZE);
	if (outside > request_spare_bytes()) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "memory has no room for the %lluM that are outside: free some first",
			 (unsigned long long)(outside >> 20));
		return -ENOMEM;
	}
	self_range_job(h, p, first, end);
	return 0;
}

void self_range_job(struct housekeeping *h, struct proc *p, pgno_t first, pgno_t end)
{
	struct space *sp = p->space;

	pthread_mutex_lock(&sp->lock);
	sp->range_job.first = first;
	sp->range_job.end = end;
	sp->range_job.cursor = first.v;
	sp->range_job.tries = 0;
	sp->range_job.state = RANGE_JOB_FETCH;
	pthread_mutex_unlock(&sp->lock);
	pager_kick_worker(h->pg);
}

struct part {
	const struct space *sp;
	uint64_t addr;
	uint64_t end;
};

static bool unregister_part(void *context, const struct vma *v)
{
	const struct part *part = context;
	uint64_t start = max_t(uint64_t, v->start, part->addr);
	uint64_t end = min_t(uint64_t, v->end, part->end);

	if (start < end && v->anonymous)
		uffd_unregister(part->sp->uffd, start, end - start);
	return v->end < part->end;
}

/*
 * Something that is outside may have been moved there since; without its
 * registration it would read as zeros.  Other threads may map and unmap without
 * end, and who moves something there just now is not helped: not for ever.
 */
static bool is_fetched(struct space *sp)
{
	struct range_job *e = &sp->range_job;
	bool same;

	pthread_mutex_lock(&sp->lock);
	same = sp->locked.map_changes == e->changes;
	pthread_mutex_unlock(&sp->lock);
	return (same && !uffd_has_unread(sp->uffd)) || e->tries++ == FETCH_TRIES;
}

bool self_unregister_fetched(struct housekeeping *h, struct proc *p)
{
	struct space *sp = p->space;
	struct range_job *e = &sp->range_job;
	struct part part = { sp, pgno_addr(e->first), pgno_addr(e->end) };

	if (!is_fetched(sp)) {
		e->cursor = e->first.v;
		e->state = RANGE_JOB_FETCH;
		pager_kick_worker(h->pg);
		return false;
	}
	/* By mapping: one that cannot be registered may lie in between by now. */
	if (uffd_unregister(sp->uffd, part.addr, part.end - part.addr))
		vma_for_each(sp->process.maps_fd, unregister_part, &part);
	pthread_mutex_lock(&sp->lock);
	if (region_cut(&sp->locked.regions, e->first, e->end)) {
		regions_forget(&sp->locked.regions);
		sp->reports.rescan_wanted = true;
	}
	if (sp->locked.hints)
		hint_record_save(sp->locked.hints, &sp->locked.regions);
	e->state = RANGE_JOB_FORGET;
	pthread_mutex_unlock(&sp->lock);
	pager_kick_worker(h->pg);
	return true;
}

int self_release_idle(struct housekeeping *h, struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	const struct space *sp = p->space;

	if (!p->by_itself || sp->phase != SPACE_LIVE || sp->locked.regions.nr ||
	    sp->reports.nr_swapped || sp->reports.nr_standby || sp->reports.nr_detaching ||
	    sp->reports.rescan_wanted || sp->orders.new_agent)
		return 0;
	return request_release(h, p, text);
}

int self_unregister_forgotten(struct housekeeping *h, struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	p->space->range_job.state = RANGE_JOB_NONE;
	return self_release_idle(h, p, text);
}
