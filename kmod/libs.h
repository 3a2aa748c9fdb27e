/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program and the libraries that an address space maps.
 *
 * An object is a file of which something can be executed, as far as no mapping of another file
 * parts its mappings: by their names and permissions alone, for no file is ever read.
 */
#ifndef _KMOD_LIBS_H
#define _KMOD_LIBS_H

#include <linux/types.h>
#include "walk.h"

struct file;
struct figures;
struct mm_struct;
struct seq_file;
struct vm_area_struct;

struct object {
	/* Counted: a name for the inode that no other file gets.  NULL: there is no further one. */
	struct file *file;
	unsigned long start;
	unsigned long end;
	/* Between the beginning of the address space and the two. */
	unsigned int nr_holes_to_start;
	unsigned int nr_holes_to_end;
};

/*
 * The first object that begins behind @object, which is let go of; of zeroes, the first of all.  0,
 * or -EINTR without the mmap lock, which is held otherwise, and was given away.
 */
int object_next(struct mm_struct *mm, struct object *object);
void object_put(struct object *object);

bool object_has(const struct object *object, struct vm_area_struct *vma);

/* Adds a part of an object to the sums; after all of them, what follows. */
void libs_add(struct figures *figures, u64 mapped_bytes, const struct walk_stats *stats);
void libs_end(struct figures *figures);

/* An object by its number, of an address space with so many holes.  0, or -EINTR or -ENOMEM. */
int object_show(struct seq_file *m, struct mm_struct *mm, const struct object *object,
		unsigned int number, unsigned int nr_holes);

#endif /* _KMOD_LIBS_H */
