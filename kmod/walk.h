/* SPDX-License-Identifier: GPL-2.0-only */
/* The page tables of an address space, and what they say of its pages. */
#ifndef _KMOD_WALK_H
#define _KMOD_WALK_H

#include <linux/types.h>

struct mm_struct;
struct vm_area_struct;

/* Mappings of devices, and of pages that no entry for 4 KiB or 2 MiB stands for. */
#define WALK_FOREIGN (VM_HUGETLB | VM_PFNMAP | VM_IO)

/* As smaps has it, so that both round alike. */
#define WALK_PROPORTIONAL_SHIFT 12

/**
 * struct walk_stats - what is present of a range
 * @resident_bytes:     all of it
 * @shared_bytes:       pages that are mapped more than once
 * @private_bytes:      the others; pages being moved are among these
 * @proportional:       each page divided by how often it is mapped, << WALK_PROPORTIONAL_SHIFT
 * @shared_now_pages:   anonymous pages that are mapped more than once, those being moved left out
 * @maybe_shared_pages: those that are not marked exclusive, and the former
 */
struct walk_stats {
	u64 resident_bytes;
	u64 shared_bytes;
	u64 private_bytes;
	u64 proportional;
	u64 shared_now_pages;
	u64 maybe_shared_pages;
};

/*
 * Lets writers of the mmap lock, which is held for reading, in.  No VMA that was known before may
 * be used after it.  0 with the lock held, or -EINTR without it.
 */
int walk_yield(struct mm_struct *mm);

/*
 * Adds what is present in a part of a VMA that is not WALK_FOREIGN.  Returns how far it came: after
 * walk_yield(), go on there until it is the end.
 */
unsigned long walk_stats(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			 struct walk_stats *stats);

/*
 * Sets a bit, of zeroes, for each page of a range that something besides page tables holds, as
 * held_test() has it; of WALK_FOREIGN for all, whose pages do not count by page table entries.  The
 * caller holds a reference on mm_users.  0 or -EINTR.
 */
int walk_pinned(struct mm_struct *mm, unsigned long start, u32 nr_pages, u8 *bitmap);

#endif /* _KMOD_WALK_H */
