/* SPDX-License-Identifier: GPL-2.0-only */
/* Where in a process' memory pages were copied: a bounded number of mappings, by name. */
#ifndef _KMOD_PLACES_H
#define _KMOD_PLACES_H

#include <linux/atomic.h>
#include <linux/types.h>

struct seq_file;
struct vm_area_struct;

#define PLACES_MAX  16
#define PLACES_NAME 32

struct place {
	atomic_long_t key; /* 0: free */
	atomic64_t copies;
	atomic64_t bytes;
	unsigned long start; /* of the mapping that was first written to */
	char name[PLACES_NAME];
};

/* What found no room is counted in the last, which has no name. */
struct places {
	struct place place[PLACES_MAX + 1];
};

/* From a probe's handler: no locks. */
void places_count(struct places *places, struct vm_area_struct *vma, unsigned long addr, u64 bytes);
void places_show(struct seq_file *m, struct places *places);

#endif /* _KMOD_PLACES_H */
