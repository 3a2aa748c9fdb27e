/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_DESCENT_H
#define UPAGER_DESCENT_H

#include "life/house.h"
#include "life/proc.h"

/*
 * Children of the processes that are taken care of, while nothing of ours is in
 * them yet: they are watched on the terms of their parents.  The proc connector
 * tells of them; where it cannot be had, or lost some, all processes are looked
 * through for those that were born since.  The house's thread.
 */
void descent_init(struct descent *d);
/* Before the first process is taken on. */
void descent_open(struct descent *d);
void descent_tick(struct house *h);
/* While something is paged: until it is to be called again if nothing wakes the house. */
uint64_t descent_next_ns(const struct descent *d, uint64_t now_ns);
/* Wakes the house when there is something to read; -1: not now. */
int descent_fd(const struct descent *d);
/* Told at the end of each process: that it had a child may be told later. */
void descent_ended(struct descent *d, pid_t pid, const struct terms *terms);
/* The children that the leader of a family has already, and theirs. */
void descent_take_all(struct house *h, const struct proc *p);

/* A followed child still runs in the memory of the one that made it, as after vfork(). */
bool descent_borrows(const struct proc *p);
/* Somebody else's memory is what it runs in. */
bool descent_shares(const struct house *h, const struct proc *p);

#endif
