/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_REGISTRY_H
#define _KMOD_REGISTRY_H

#include <linux/types.h>
#include "tracked.h"

struct mm_struct;
struct pid;
struct task_struct;

/*
 * Tells of each entry that came to be listed, or is no more: under the lock of the table, in this
 * order.
 */
void registry_init(void (*changed)(struct tracked *tracked));
/* Takes out every entry; nobody may add one any more. */
void registry_empty(void);

/*
 * Adds a process, or makes one that is there the caller's too: of a netlink socket, or, with a
 * portid of 0, of whoever may track anything.  -ESRCH: it has ended; -E2BIG: too many; -EBUSY:
 * another socket's; -ENOMEM.
 */
int registry_add(struct task_struct *task, u32 portid);
/*
 * Takes out a process for everybody (0), or what a socket has of it; it goes with the last.
 * -ESRCH: there is none.
 */
int registry_remove(struct pid *pid, u32 portid);
/* The same for all that a socket has; returns how many it had. */
unsigned int registry_remove_all(u32 portid);
bool registry_has(struct tracked *tracked, u32 portid);
unsigned int registry_count(void);

/* Both return a reference or NULL; registry_next() of the first pid from *nr on, and sets it. */
struct tracked *registry_get(struct pid *pid);
struct tracked *registry_next(unsigned long *nr);

/* Valid until the end of the caller's RCU read section, which a kprobe's handler is. */
struct tracked *registry_find_mm(struct mm_struct *mm);

/* Calls @member, which must not sleep, for @root and each of its listed descendants. */
void registry_for_family(struct tracked *root,
			 void (*member)(struct tracked *member, bool is_root, void *data),
			 void *data);

/* A process is born, has a new address space, has ended; called by its events. */
int registry_adopt(struct tracked *parent, struct task_struct *child);
bool registry_rekey(struct task_struct *task);
bool registry_forget(struct task_struct *task);

#endif /* _KMOD_REGISTRY_H */
