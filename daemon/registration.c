// SPDX-License-Identifier: GPL-2.0-only
#include "registration.h"

#include <errno.h>
#include <time.h>

#include "clock.h"
#include "failpoint.h"
#include "vma.h"

/* What may have grown meanwhile; new mappings mostly come at the other end of large holes. */
#define GROWN_MAX      (64ULL << 20)
/* For an event to be read. */
#define COVER_TRIES    20
#define COVER_PAUSE_NS (50 * NS_PER_US)

/* Mappings are worked on one behind the one that is read: how far they may have grown. */
struct scan {
	struct pager *pg;
	struct space *sp;
	struct vma last; /* .end == 0: none */
	bool added;
	int error;
};

static bool is_candidate(const struct space *sp, const struct vma *v)
{
	return vma_is_pageable(v) && !space_is_ours(sp, v->start);
}

/*
 * What grew in place since it was read must not be registered in part: mremap()
 * fails where its range is not one mapping [F21].  So the hole behind it, too,
 * unless something has been mapped there that cannot be registered.
 */
static int register_grown(const struct scan *scan, const struct vma *v, uint64_t hole_end)
{
	bool wp = !scan->pg->caps.move && scan->pg->caps.wp;
	int err;

	hole_end = min_t(uint64_t, hole_end, v->end + GROWN_MAX);
	err = uffd_register(scan->sp->uffd, v->start, hole_end - v->start, wp);
	if (err && err != -ESRCH && hole_end > v->end)
		err = uffd_register(scan->sp->uffd, v->start, v->end - v->start, wp);
	return err;
}

/* One mapping, or -EAGAIN: an event kept us from looking. */
static int find_covered(const struct space *sp, const struct vma *v)
{
	const struct timespec pause = { .tv_nsec = COVER_PAUSE_NS };
	int err = uffd_covers(sp->uffd, v->start, v->end - v->start);

	for (int n = 1; err == -EAGAIN && n < COVER_TRIES; n++) {
		nanosleep(&pause, NULL);
		err = uffd_covers(sp->uffd, v->start, v->end - v->start);
	}
	return err;
}

static bool register_one(struct scan *scan, const struct vma *v, uint64_t hole_end)
{
	pgno_t first = addr_pgno(v->start), end = addr_pgno(v->end);
	struct space *sp = scan->sp;
	const struct region *r;
	uint64_t changes;
	bool known;
	int err;

	pthread_mutex_lock(&sp->lock);
	r = region_find(&sp->regions, first);
	known = r && r->end.v >= end.v;
	changes = sp->map_changes;
	pthread_mutex_unlock(&sp->lock);
	if (known)
		return true;
	failpoint(FP_ATTACH_SEEN);
	/* Neighbours in one go keep mremap() across them possible [F21]. */
	err = register_grown(scan, v, hole_end);
	if (err) {
		/* Gone meanwhile, huge pages, or registered by the program itself. */
		scan->error = err == -ESRCH ? err : scan->error;
		return err != -ESRCH;
	}
	failpoint(FP_ATTACH_REGISTERED);
	/*
	 * It was read before: there may have been a hole in it when it was
	 * registered, and something else be mapped there now, from which a page
	 * moved out would read as zero.  What goes away from now on has an event.
	 */
	err = find_covered(sp, v);
	pthread_mutex_lock(&sp->lock);
	if (err || sp->map_changes != changes)
		sp->rescan_wanted = true;
	else if (region_add(&sp->regions, first, end) || run_list_add(&sp->adopt, first, end))
		scan->error = -ENOMEM;
	pthread_mutex_unlock(&sp->lock);
	scan->added = true;
	/* Events are not read just now: the next scan goes on. */
	return !err || err == -ENOENT;
}

static bool register_last(struct scan *scan, uint64_t next_start)
{
	struct vma last = scan->last;

	scan->last.end = 0;
	return !last.end || register_one(scan, &last, next_start);
}

static bool see_mapping(void *context, const struct vma *v)
{
	struct scan *scan = context;

	/* A stack grows into the hole before it. */
	if (!register_last(scan, v->stack ? scan->last.end : v->start))
		return false;
	if (is_candidate(scan->sp, v))
		scan->last = *v;
	return true;
}

int registration_add(struct pager *pg, struct space *sp, bool *added)
{
	struct scan scan = { .pg = pg, .sp = sp };
	int err = vma_for_each(sp->maps_fd, see_mapping, &scan);

	register_last(&scan, scan.last.end);
	*added |= scan.added;
	return err ? err : scan.error;
}

static void unregister_last(struct scan *scan, uint64_t next_start)
{
	const struct vma *v = &scan->last;
	int uffd = scan->sp->uffd;

	/* Grown in place since it was read: see register_grown(). */
	if (v->end && uffd_unregister(uffd, v->start, next_start - v->start))
		uffd_unregister(uffd, v->start, v->end - v->start);
	scan->last.end = 0;
}

static bool unregister_seen(void *context, const struct vma *v)
{
	struct scan *scan = context;

	unregister_last(scan, v->start);
	if (v->anonymous && !v->stack)
		scan->last = *v;
	return true;
}

void registration_remove(struct space *sp)
{
	struct scan scan = { .sp = sp };

	vma_for_each(sp->maps_fd, unregister_seen, &scan);
	unregister_last(&scan, scan.last.end);
}
