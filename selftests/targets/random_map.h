/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_RANDOM_MAP_H
#define UPAGER_SELFTESTS_RANDOM_MAP_H

/* What random_ops does to mappings, as against the pages in them. */
#include "model.h"

#define RUN_MAX 256

/* A run of pages in an area. */
struct run {
	struct area *a;
	uint32_t first;
	uint32_t nr;
};

static void op_map(struct model *m, struct area *a)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	if (!model_random(m, 4))
		flags |= MAP_NORESERVE;
	if (!model_random(m, 8))
		flags |= MAP_POPULATE;
	memset(a, 0, sizeof(*a));
	a->nr = 1 + model_random(m, AREA_PAGES);
	a->addr = mmap(NULL, (size_t)a->nr * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	model_must(m, a->addr != MAP_FAILED);
}

static struct run pick(struct model *m)
{
	struct area *a = &m->area[model_random(m, AREAS)];
	struct run r = { .a = a };

	if (!a->nr)
		op_map(m, a);
	r.first = model_random(m, a->nr);
	r.nr = 1 + model_random(m, RUN_MAX);
	if (r.nr > a->nr - r.first)
		r.nr = a->nr - r.first;
	return r;
}

static void *run_addr(struct run r)
{
	return model_page(r.a, r.first);
}

static size_t run_bytes(struct run r)
{
	return (size_t)r.nr * PAGE;
}

/* Another mapping over a part of it. */
static void do_map_over(struct model *m, struct run r)
{
	void *p;

	if (r.a->wipe_on_fork)
		return;
	p = mmap(run_addr(r), run_bytes(r), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	model_must(m, p == run_addr(r));
	model_zero(m, r.a, r.first, r.nr);
	r.a->split = true;
	r.a->dont_fork = false;
	model_must(m, !madvise(r.a->addr, (size_t)r.a->nr * PAGE, MADV_DOFORK));
}

/* Its end, its beginning, or all of it. */
static void do_unmap(struct model *m, struct run r)
{
	struct area *a = r.a;

	if (model_random(m, 2)) {
		r.nr = a->nr - r.first;
		model_must(m, !munmap(run_addr(r), run_bytes(r)));
		a->nr = r.first;
		return;
	}
	r.nr = r.first + r.nr;
	r.first = 0;
	model_must(m, !munmap(run_addr(r), run_bytes(r)));
	a->addr += run_bytes(r);
	a->nr -= r.nr;
	memmove(a->cell, a->cell + r.nr, a->nr * sizeof(a->cell[0]));
}

static void do_resize(struct model *m, struct run r)
{
	struct area *a = r.a;
	uint32_t nr = 1 + model_random(m, AREA_PAGES);
	void *p;

	/*
	 * A child's may grow in place into what DONTFORK kept from it, before the
	 * daemon has looked at its mappings: that it cannot tell from inheritance.
	 */
	if (a->split || (m->depth && nr > a->nr))
		return;
	p = mremap(a->addr, (size_t)a->nr * PAGE, (size_t)nr * PAGE, MREMAP_MAYMOVE);
	model_must(m, p != MAP_FAILED);
	a->addr = p;
	if (nr > a->nr)
		model_zero(m, a, a->nr, nr - a->nr);
	a->nr = nr;
}

/* Onto another area. */
static void do_move_over(struct model *m, struct run r)
{
	struct area *from = r.a, *to = &m->area[model_random(m, AREAS)];
	void *p;

	if (from == to || from->split || to->nr < from->nr || from->wipe_on_fork ||
	    to->wipe_on_fork)
		return;
	p = mremap(from->addr, (size_t)from->nr * PAGE, (size_t)from->nr * PAGE,
		   MREMAP_MAYMOVE | MREMAP_FIXED, to->addr);
	model_must(m, p == to->addr);
	memcpy(to->cell, from->cell, from->nr * sizeof(to->cell[0]));
	to->split |= to->nr > from->nr;
	from->nr = 0;
	to->dont_fork = false;
	model_must(m, !madvise(to->addr, (size_t)to->nr * PAGE, MADV_DOFORK));
}

/*
 * The pages go, the mapping stays.  The fifth argument is a hint here, which the
 * C library passes on whether it is given or not.
 */
static void do_move_out(struct model *m, struct run r)
{
	struct area *from = r.a, *to = &m->area[model_random(m, AREAS)];
	void *p;

	if (to->nr || from == to || from->split)
		return;
	p = mremap(from->addr, (size_t)from->nr * PAGE, (size_t)from->nr * PAGE,
		   MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	model_must(m, p != MAP_FAILED);
	*to = *from;
	to->addr = p;
	model_zero(m, from, 0, from->nr);
}

static void do_protect(struct model *m, struct run r)
{
	int prot = model_random(m, 2) ? PROT_READ : PROT_NONE;

	model_must(m, !mprotect(run_addr(r), run_bytes(r), prot));
	if (prot == PROT_READ)
		model_check(m, r.a, r.first, r.nr);
	model_must(m, !mprotect(run_addr(r), run_bytes(r), PROT_READ | PROT_WRITE));
	r.a->split = true;
}

static void do_lock(struct model *m, struct run r)
{
	if (r.nr > 8)
		r.nr = 8;
	if (mlock(run_addr(r), run_bytes(r)))
		model_must(m, errno == ENOMEM || errno == EPERM || errno == EAGAIN);
	model_check(m, r.a, r.first, r.nr);
	model_must(m, !munlock(run_addr(r), run_bytes(r)));
	r.a->split = true;
}

/*
 * A mapping is made WIPEONFORK while it is new, as programs do, and never
 * anything else: of what was outside nobody can tell afterwards whether it was
 * wiped by a fork or only marked behind it.
 */
static void do_fork_advice(struct model *m, struct run r)
{
	struct area *a = r.a;

	if (model_random(m, 2)) {
		a->dont_fork = !a->dont_fork;
		model_must(m, !madvise(a->addr, (size_t)a->nr * PAGE,
				       a->dont_fork ? MADV_DONTFORK : MADV_DOFORK));
		return;
	}
	model_must(m, !munmap(a->addr, (size_t)a->nr * PAGE));
	op_map(m, a);
	a->wipe_on_fork = true;
	model_must(m, !madvise(a->addr, (size_t)a->nr * PAGE, MADV_WIPEONFORK));
}

#endif
