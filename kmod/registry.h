/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_REGISTRY_H
#define _KMOD_REGISTRY_H

#include <linux/types.h>
#include "tracked.h"

struct mm_struct;
struct pid;
struct task_struct;

void registry_init(void);

/*
 * Adds a process, or lets the owner claim one that is there.  -ESRCH: it has ended; -E2BIG: too
 * many; -EBUSY and -EDQUOT as owner_claim() has them; -ENOMEM.
 */
int registry_add(struct task_struct *task, struct owner *owner);
/* An owner lets go of a process, that of kind OWNER_ROOT for all others, too.  -ESRCH: not its. */
int registry_remove(struct pid *pid, const struct owner *owner);
/* An owner lets go of all, and of the ends that it has not read. */
void registry_leave(struct owner *owner);
unsigned int registry_count(void);

/* A reference, or NULL: not tracked, or not by the socket of that number, if it is not 0. */
struct tracked *registry_get(struct pid *pid, u32 portid);
/* The same of the first pid from *nr on, which it sets. */
struct tracked *registry_next(int *nr);

/* The end of a process is told: its reader may take it. */
void registry_ended(struct tracked *tracked);
/* The next process of an owner that has ended, with its reference; NULL: none has. */
struct tracked *registry_take_ended(struct owner *owner, bool *more_to_come);

/* Valid until the end of the caller's RCU read section, which a kprobe's handler is. */
struct tracked *registry_find_mm(struct mm_struct *mm);

/* Tracepoints: a child is born, has a new address space, has ended; preemption is off. */
void registry_fork(struct task_struct *parent, struct task_struct *child);
void registry_exec(struct task_struct *task);
void registry_end(struct task_struct *task);

#endif /* _KMOD_REGISTRY_H */
