/* SPDX-License-Identifier: GPL-2.0-only */
/* The ELF objects that an address space maps: its program and its libraries. */
#ifndef _KMOD_LIBS_H
#define _KMOD_LIBS_H

#include <linux/types.h>

struct mm_struct;
struct seq_file;

/* As enum upager_libs_attr explains them. */
struct libs_totals {
	u64 count;
	u64 mapped_bytes;
	u64 resident_bytes;
	u64 shared_bytes;
	u64 private_bytes;
	u64 proportional_bytes;
};

int libs_totals(struct mm_struct *mm, struct libs_totals *totals);
int libs_show(struct seq_file *m, struct mm_struct *mm);

#endif /* _KMOD_LIBS_H */
