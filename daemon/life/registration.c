// SPDX-License-Identifier: GPL-2.0-only
#include "life/registration.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "kernel/max_map_count.h"
#include "kernel/vma.h"

/*
 * What is mapped behind or before a registered mapping, and touched before it is
 * registered itself, never becomes one with it: an arena that grows by a page at
 * a time would be as many mappings, until the kernel has no more of them.  What
 * is small beside its neighbour waits, where the program alone makes one mapping
 * of it, until it is not; all that wait are a small part of the budget.
 */
#define SMALL_PART   8 /* of the neighbour */
#define SMALL_BUDGET 16 /* all together, of the budget */

/* How far holes are registered, too; new mappings mostly come near others. */
#define HOLE_MAX       (64ULL << 20)
#define STRETCH_MAX    256
/* For an event to be read. */
#define COVER_TRIES    20
#define COVER_PAUSE_NS (50 * NS_PER_US)

/*
 * Mappings with nothing but holes between them, as they were read, are worked
 * on in one go, with the holes before and behind them: whatever was mapped
 * there since is registered as a whole, or not at all.  mremap() fails where its
 * range is not one mapping [F21].
 */
struct scan {
	struct pager *pg;
	struct space *sp;
	/* False: no more. */
	bool (*work)(struct scan *scan, uint64_t start, uint64_t end);
	bool (*is_wanted)(struct scan *scan, const struct vma *v);
	uint64_t seen_end; /* of the last mapping that was read */
	uint64_t small_max; /* what waits beside its neighbour is not larger */
	uint32_t nr_small;
	uint32_t nr_mappings;
	uint64_t start; /* of the hole before the stretch, as far as it belongs to it */
	uint32_t nr;
	struct vma vma[STRETCH_MAX];
	bool added;
	int error;
};

static bool work_on_stretch(struct scan *scan, uint64_t hole_end)
{
	bool more = true;

	if (scan->nr)
		more = scan->work(
			scan, scan->start,
			min_t(uint64_t, hole_end, scan->vma[scan->nr - 1].end + HOLE_MAX));
	scan->nr = 0;
	return more;
}

static bool see_mapping(void *context, const struct vma *v)
{
	struct scan *scan = context;
	bool wanted = scan->is_wanted(scan, v);

	scan->nr_mappings++;
	if (!wanted || scan->nr == STRETCH_MAX || v->start - scan->seen_end > 2 * HOLE_MAX) {
		/* A stack grows into the hole before it. */
		if (!work_on_stretch(scan, v->stack ? scan->seen_end : v->start))
			return false;
	}
	if (wanted) {
		if (!scan->nr)
			scan->start = max_t(uint64_t, scan->seen_end,
					    v->start - min_t(uint64_t, v->start, HOLE_MAX));
		scan->vma[scan->nr++] = *v;
	}
	scan->seen_end = v->end;
	return true;
}

static int scan_all(struct scan *scan)
{
	int err = vma_for_each(scan->sp->process.maps_fd, see_mapping, scan);

	work_on_stretch(scan, scan->seen_end);
	return err ? err : scan->error;
}

static bool waits_to_grow(struct scan *scan, const struct vma *v)
{
	pgno_t first = addr_pgno(v->start), end = addr_pgno(v->end), before = { first.v - 1 };
	struct space *sp = scan->sp;
	const struct region *a, *b;
	uint64_t neighbour = 0;
	bool small;

	pthread_mutex_lock(&sp->lock);
	if (!region_find(&sp->locked.regions, first)) {
		a = region_find(&sp->locked.regions, before);
		b = region_find(&sp->locked.regions, end);
		neighbour = max_t(uint64_t, a ? a->end.v - a->first.v : 0,
				  b ? b->end.v - b->first.v : 0);
	}
	pthread_mutex_unlock(&sp->lock);
	small = end.v - first.v < neighbour / SMALL_PART;
	scan->nr_small += small;
	return small && end.v - first.v <= scan->small_max;
}

static bool is_to_be_paged(struct scan *scan, const struct vma *v)
{
	return vma_is_pageable(v) && !space_is_ours(scan->sp, v->start) && !waits_to_grow(scan, v);
}

static bool is_known(struct space *sp, const struct vma *v)
{
	const struct region *r;
	bool known;

	pthread_mutex_lock(&sp->lock);
	r = region_find(&sp->locked.regions, addr_pgno(v->start));
	known = r && r->end.v >= addr_pgno(v->end).v;
	pthread_mutex_unlock(&sp->lock);
	return known;
}

/*
 * It was read before it was registered: there may have been a hole in it, and
 * something else be mapped there now, from which a page moved out would read as
 * zero.  What goes away from now on has an event.  -EAGAIN: one kept us from
 * looking.
 */
static int find_covered(struct space *sp, const struct vma *v, uint64_t *changes)
{
	const struct timespec pause = { .tv_nsec = COVER_PAUSE_NS };
	int err;

	for (int n = 0;; n++) {
		pthread_mutex_lock(&sp->lock);
		*changes = sp->locked.map_changes;
		pthread_mutex_unlock(&sp->lock);
		err = uffd_covers(sp->uffd, v->start, v->end - v->start);
		if (err != -EAGAIN || n == COVER_TRIES)
			return err;
		nanosleep(&pause, NULL);
	}
}

static bool note_registered(struct scan *scan, const struct vma *v)
{
	pgno_t first = addr_pgno(v->start), end = addr_pgno(v->end);
	struct space *sp = scan->sp;
	uint64_t changes;
	int err = find_covered(sp, v, &changes);

	pthread_mutex_lock(&sp->lock);
	if (err || sp->locked.map_changes != changes)
		sp->reports.rescan_wanted = true;
	else if (region_add(&sp->locked.regions, first, end) ||
		 run_list_add(&sp->locked.adopt, first, end))
		scan->error = -ENOMEM;
	pthread_mutex_unlock(&sp->lock);
	scan->added = true;
	/* Events are not read just now: the next scan goes on. */
	return !err || err == -ENOENT;
}

/*
 * A mapping that is known already is left out.  It may have gone, unread yet, and
 * another one be there: if that had events of its own they would be taken for
 * those of what was there before.
 */
static int register_unknown(struct scan *scan, uint64_t start, uint64_t end)
{
	bool wp = !scan->pg->caps.move && scan->pg->caps.wp, any = false;
	int uffd = scan->sp->uffd, err = 0;

	for (uint32_t i = 0; i < scan->nr && !err; i++) {
		const struct vma *v = &scan->vma[i];

		if (!is_known(scan->sp, v)) {
			any = true;
			continue;
		}
		if (any)
			err = uffd_register(uffd, start, v->start - start, wp);
		start = v->end;
		any = false;
	}
	return err || !any ? err : uffd_register(uffd, start, end - start, wp);
}

static bool register_stretch(struct scan *scan, uint64_t start, uint64_t end)
{
	bool wp = !scan->pg->caps.move && scan->pg->caps.wp;
	int uffd = scan->sp->uffd, err, one;
	uint32_t known = 0;

	while (known < scan->nr && is_known(scan->sp, &scan->vma[known]))
		known++;
	if (known == scan->nr)
		return true;
	failpoint(FP_ATTACH_SEEN);
	err = register_unknown(scan, start, end);
	failpoint(FP_ATTACH_REGISTERED);
	for (const struct vma *v = scan->vma + known; v < scan->vma + scan->nr; v++) {
		if (is_known(scan->sp, v))
			continue;
		/* Something was mapped there that cannot be; or the program did it itself. */
		one = err ? uffd_register(uffd, v->start, v->end - v->start, wp) : 0;
		if (one == -ESRCH)
			scan->error = one;
		if (one == -ESRCH || (!one && !note_registered(scan, v)))
			return false;
	}
	return true;
}

int registration_add(struct pager *pg, struct space *sp, bool *added)
{
	struct space_housekeeping *was = &sp->housekeeping;
	uint64_t together = sp->orders.budget_pages / SMALL_BUDGET;
	struct scan scan = {
		.pg = pg,
		.sp = sp,
		.work = register_stretch,
		.is_wanted = is_to_be_paged,
		.small_max = was->nr_small ? together / was->nr_small : together,
	};
	int err;

	/* Rather more than that part of the budget than a program without memory. */
	if (was->nr_mappings > max_map_count() / 2)
		scan.small_max = UINT64_MAX;
	err = scan_all(&scan);
	was->nr_small = scan.nr_small;
	was->nr_mappings = scan.nr_mappings;
	*added |= scan.added;
	return err;
}

static bool may_be_registered(struct scan *scan, const struct vma *v)
{
	(void)scan;
	return v->anonymous && !v->stack;
}

static bool unregister_stretch(struct scan *scan, uint64_t start, uint64_t end)
{
	int uffd = scan->sp->uffd;

	if (uffd_unregister(uffd, start, end - start))
		for (const struct vma *v = scan->vma; v < scan->vma + scan->nr; v++)
			uffd_unregister(uffd, v->start, v->end - v->start);
	return true;
}

void registration_remove(struct space *sp)
{
	struct scan scan = { .sp = sp, .work = unregister_stretch, .is_wanted = may_be_registered };

	scan_all(&scan);
}
