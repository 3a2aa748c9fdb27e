/* SPDX-License-Identifier: GPL-2.0-only */
/* All figures of a process, those of its mappings and page tables from one pass over them. */
#ifndef _KMOD_SUMS_H
#define _KMOD_SUMS_H

struct figures;
struct mm_struct;
struct task_struct;
struct tracked;

#define SUMS_HOLES  BIT(0)
#define SUMS_LIBS   BIT(1)
#define SUMS_COW    BIT(2)
#define SUMS_PAGING BIT(3)

/*
 * Fills in the parts that are asked for; tracked is NULL for a process that is not.  The caller
 * holds a reference on mm_users; task is whose limits count, or NULL.  Takes the mmap lock, and
 * gives it away in between.  0 or -EINTR.
 */
int sums_collect(struct figures *figures, unsigned int parts, struct task_struct *task,
		 struct mm_struct *mm, struct tracked *tracked);

/* Of a tracked process, one that has ended included: only what was counted. */
void sums_count(struct figures *figures, struct tracked *tracked);

#endif /* _KMOD_SUMS_H */
