/* SPDX-License-Identifier: GPL-2.0-only */
/* The gaps between the mappings of an address space. */
#ifndef _KMOD_HOLES_H
#define _KMOD_HOLES_H

#include <linux/types.h>

struct mm_struct;
struct seq_file;

/* As enum upager_holes_attr explains them. */
struct holes_totals {
	u64 count;
	u64 bytes;
	u64 largest_bytes;
	u64 heap_bytes;
	u64 stack_bytes;
	u64 mapped_bytes;
	u64 space_bytes;
};

int holes_totals(struct mm_struct *mm, struct holes_totals *totals);
int holes_show(struct seq_file *m, struct mm_struct *mm);

#endif /* _KMOD_HOLES_H */
