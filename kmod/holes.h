/* SPDX-License-Identifier: GPL-2.0-only */
/* The gaps between the mappings of an address space. */
#ifndef _KMOD_HOLES_H
#define _KMOD_HOLES_H

#include <linux/types.h>

struct figures;
struct mm_struct;
struct seq_file;
struct task_struct;
struct vm_area_struct;

/* A mapping and the hole below it; either may be empty.  Both end at the end of the space. */
struct step {
	struct vm_area_struct *vma;
	unsigned long hole_start;
	unsigned long hole_end;
	unsigned long end;
};

static inline bool step_has_hole(const struct step *step)
{
	return step->hole_start < step->hole_end;
}

/* From the end of the last step, or zeroes, to the next.  The mmap lock is held. */
bool step_next(struct mm_struct *mm, struct step *step);

/*
 * Adds a step, which may be a part of a mapping, to the sums; after all of them, what follows.  The
 * task is whose limits count, or NULL.
 */
void holes_add(struct figures *figures, struct mm_struct *mm, const struct step *step,
	       struct task_struct *task);
void holes_end(struct figures *figures);

/* The hole of a step, by its number.  The mmap lock is held. */
void holes_show(struct seq_file *m, struct mm_struct *mm, const struct step *step,
		unsigned int number);

#endif /* _KMOD_HOLES_H */
