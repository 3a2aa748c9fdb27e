/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ASIDE_H
#define UPAGER_ASIDE_H

#include "pager.h"

/*
 * The kernel tells of munmap() and mremap() after it has let go of the lock under
 * which it did them (mm/mmap.c, mm/mremap.c).  A thread that is preempted right
 * there is overtaken by one that moves something into the place that became free,
 * and whose REMAP is read first.  What that REMAP finds where it comes to has
 * gone, and the event by which it went is still to come: it is put aside, in
 * the same tables, at page numbers that no program has, and is what that event
 * is about.  Once the kernel has nothing more to tell nobody asks for it.
 *
 * Which of two contents an event means that comes meanwhile is known while what
 * came last is mapped there: the older.  Otherwise both have gone, and what
 * cannot be told apart is LOST: the event takes what is there, the other one
 * what is aside.
 *
 * All is the worker's, within a change, and in the state file: done again by a
 * daemon after this one it is the same.
 */

/* Where what was at a page is aside. */
pgno_t aside_page(pgno_t n);

/* Before a REMAP comes to [start, end): whether what is there is to be put aside, and may be now. */
bool aside_open(struct pager *pg, struct space *sp, const struct uffd_msg *msg, uint64_t start,
		uint64_t end);
/* An event by which [start, end) goes: what is aside of that is its own until it is applied. */
void aside_meet(struct pager *pg, struct space *sp, uint64_t start, uint64_t end);

struct aside_part {
	pgno_t first;
	pgno_t end;
	bool aside; /* the event is about what is aside, not about what is there */
};

/* The next part of [*at, end), which *at is moved on over; false: there is none. */
bool aside_next(const struct space *sp, uint64_t *at, uint64_t end, struct aside_part *part);

/* Parts that a range may have. */
uint32_t aside_parts(const struct space *sp, uint64_t start, uint64_t end);

/* The event is applied: what is left of what was its own is another's. */
void aside_settle(struct pager *pg, struct space *sp);
bool aside_any(const struct space *sp);

/* A fork's child shares what is aside, and never asks for it. */
void aside_inherit(struct space *child, const struct space *parent);
/* What is asked for by nobody any more goes.  Time of the next look, 0: there is nothing. */
uint64_t aside_look_after(struct pager *pg, struct space *sp, uint64_t now_ns);

#endif
