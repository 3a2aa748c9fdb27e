/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_DESCENDANTS_H
#define UPAGER_DESCENDANTS_H

#include "life/housekeeping.h"
#include "life/proc.h"

/*
 * Children of the processes that are taken care of, while nothing of ours is in
 * them yet: they are watched on the terms of their parents.  The proc connector
 * tells of them; where it cannot be had, or lost some, all processes are looked
 * through for those that were born since.  The housekeeping thread.
 */
void descendants_init(struct descendants *d);
/* Before the first process is taken on. */
void descendants_open(struct descendants *d);
void descendants_tick(struct housekeeping *h);
/* While something is paged: until it is to be called again if nothing wakes housekeeping. */
uint64_t descendants_next_ns(const struct descendants *d, uint64_t now_ns);
/* Wakes housekeeping when there is something to read; -1: not now. */
int descendants_fd(const struct descendants *d);
/* Told at the end of each process: that it had a child may be told later. */
void descendants_ended(struct descendants *d, pid_t pid, const struct terms *terms);
/* The children that the leader of a family has already, and theirs. */
void descendants_take_all(struct housekeeping *h, const struct proc *p);

/* A followed child still runs in the memory of the one that made it, as after vfork(). */
bool descendants_borrows(const struct proc *p);
/* Somebody else's memory is what it runs in. */
bool descendants_shares(const struct housekeeping *h, const struct proc *p);

#endif
