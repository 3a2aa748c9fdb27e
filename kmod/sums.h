/* SPDX-License-Identifier: GPL-2.0-only */
/* All that mappings and page tables tell, from one pass over them. */
#ifndef _KMOD_SUMS_H
#define _KMOD_SUMS_H

struct figures;
struct mm_struct;

/*
 * Fills in the figures of holes and, if pages is set, those of libs and what is shared copy-on-write
 * now.  The caller holds a reference on mm_users.  Takes the mmap lock, and gives it away in
 * between.  0 or -EINTR.
 */
int sums_collect(struct mm_struct *mm, bool pages, struct figures *figures);

#endif /* _KMOD_SUMS_H */
