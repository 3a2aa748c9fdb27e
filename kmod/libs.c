// SPDX-License-Identifier: GPL-2.0-only
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include "compat.h"
#include "figures.h"
#include "libs.h"

/* The file of a mapping that can be a part of an object, or NULL. */
static struct file *file_of(struct vm_area_struct *vma)
{
	struct file *file = vma->vm_file;

	if (!file || vma->vm_flags & WALK_FOREIGN || !S_ISREG(file_inode(file)->i_mode))
		return NULL;
	return file;
}

bool object_has(const struct object *object, struct vm_area_struct *vma)
{
	struct file *file = file_of(vma);

	return object->file && file && file_inode(file) == file_inode(object->file) &&
	       vma->vm_start >= object->start && vma->vm_end <= object->end;
}

void object_put(struct object *object)
{
	if (object->file)
		fput(object->file);
	object->file = NULL;
}

static void object_begin(struct object *object, struct vm_area_struct *vma, unsigned int nr_holes)
{
	object_put(object);
	object->file = get_file(vma->vm_file);
	object->start = vma->vm_start;
	object->nr_holes_to_start = nr_holes;
}

int object_next(struct mm_struct *mm, struct object *object)
{
	unsigned int nr_holes = object->nr_holes_to_end;
	unsigned long addr = object->end;
	struct vm_area_struct *vma;
	bool executable = false;

	object_put(object);
	while ((vma = find_vma(mm, addr))) {
		struct file *file = file_of(vma);
		int err;

		nr_holes += addr < vma->vm_start;
		addr = vma->vm_end;
		if (file && (!object->file || file_inode(file) != file_inode(object->file))) {
			if (executable)
				return 0;
			object_begin(object, vma, nr_holes);
		}
		if (file) {
			executable |= vma->vm_flags & VM_EXEC;
			object->end = vma->vm_end;
			object->nr_holes_to_end = nr_holes;
		}
		err = walk_yield(mm);
		if (err) {
			object_put(object);
			return err;
		}
	}
	if (!executable)
		object_put(object);
	return 0;
}

void libs_add(struct figures *figures, u64 mapped_bytes, const struct walk_stats *stats)
{
	u64 *values = figures->values;

	values[FIGURE_LIBS_MAPPED_BYTES] += mapped_bytes;
	values[FIGURE_LIBS_RESIDENT_BYTES] += stats->resident_bytes;
	values[FIGURE_LIBS_SHARED_BYTES] += stats->shared_bytes;
	values[FIGURE_LIBS_PRIVATE_BYTES] += stats->private_bytes;
	values[FIGURE_LIBS_PROPORTIONAL_BYTES] += stats->proportional;
}

void libs_end(struct figures *figures)
{
	figures->values[FIGURE_LIBS_PROPORTIONAL_BYTES] >>= WALK_PROPORTIONAL_SHIFT;
	figures_know(figures, FIGURE_LIBS_COUNT, FIGURE_LIBS_PROPORTIONAL_BYTES);
}

/* What an object's mappings are there for. */
enum use {
	FOR_NOTHING,
	FOR_READING,
	FOR_WRITING,
	FOR_CODE,
	NR_USES
};

static enum use use_of(struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_EXEC)
		return FOR_CODE;
	if (vma->vm_flags & VM_WRITE)
		return FOR_WRITING;
	return vma->vm_flags & VM_READ ? FOR_READING : FOR_NOTHING;
}

static int measure(struct mm_struct *mm, const struct object *object, u64 bytes[NR_USES],
		   struct walk_stats *stats)
{
	unsigned long addr = object->start, end;
	struct vm_area_struct *vma;
	int err;

	err = mmap_read_lock_killable(mm);
	while (!err && (vma = find_vma(mm, addr)) && vma->vm_start < object->end) {
		addr = max(addr, vma->vm_start);
		end = vma->vm_end;
		if (object_has(object, vma)) {
			end = walk_stats(vma, addr, end, stats);
			bytes[use_of(vma)] += end - addr;
		}
		addr = end;
		err = walk_yield(mm);
	}
	if (!err)
		mmap_read_unlock(mm);
	return err;
}

/*
 * How many address spaces map a file.  Forks and ends of all of them wait for who looks, so a look
 * is short: at a bounded number of mappings, without sleeping, into one page.  Where there are more
 * than that page holds, each look takes only a share of them, by the hash of their address.
 */
/* Under a millisecond. */
#define MAPPINGS_MAX 16384
#define SLOTS	     (PAGE_SIZE / sizeof(void *))
/* Fuller, the table would be slow; at most 1 << this many looks. */
#define FILLED_MAX   (SLOTS * 3 / 4)
#define SHARES_BITS  6

/* Only compared: what it points to may be gone by the next look.  False: there is no room. */
static bool insert(const void **slots, const void *mm, unsigned int *filled)
{
	unsigned int slot = hash_ptr(mm, 32) % SLOTS;

	while (slots[slot] && slots[slot] != mm)
		slot = (slot + 1) % SLOTS;
	if (slots[slot])
		return true;
	slots[slot] = mm;
	return ++*filled <= FILLED_MAX;
}

/* Nothing may be allocated under the lock, which reclaim takes. */
static int look(struct address_space *mapping, const void **slots, unsigned int share,
		unsigned int bits, u64 *nr_mms)
{
	unsigned int nr_mappings = 0, filled = 0;
	struct rb_node *node;
	int err = 0;

	memset(slots, 0, PAGE_SIZE);
	i_mmap_lock_read(mapping);
	for (node = rb_first_cached(&mapping->i_mmap); node && !err; node = rb_next(node)) {
		const void *mm = rb_entry(node, struct vm_area_struct, shared.rb)->vm_mm;

		if (++nr_mappings > MAPPINGS_MAX)
			err = -E2BIG;
		else if ((hash_ptr(mm, 32) >> 16) % (1 << bits) == share &&
			 !insert(slots, mm, &filled))
			err = -ENOSPC;
	}
	i_mmap_unlock_read(mapping);
	*nr_mms += filled;
	cond_resched();
	return err;
}

/* -ENOMEM, or -E2BIG for a file with so many mappings that counting them would hold others up. */
static int count_mappers(struct address_space *mapping, u64 *nr_mms)
{
	const void **slots = (const void **)__get_free_page(GFP_KERNEL_ACCOUNT);
	unsigned int share, bits = 0;
	int err;

	if (!slots)
		return -ENOMEM;
	do {
		*nr_mms = 0;
		for (share = 0, err = 0; !err && share < 1U << bits; share++)
			err = look(mapping, slots, share, bits, nr_mms);
	} while (err == -ENOSPC && ++bits <= SHARES_BITS);
	free_page((unsigned long)slots);
	return err == -ENOSPC ? -E2BIG : err;
}

int object_show(struct seq_file *m, struct mm_struct *mm, const struct object *object,
		unsigned int number, unsigned int nr_holes)
{
	u64 bytes[NR_USES] = {}, nr_mms;
	struct walk_stats stats = {};
	int err;

	err = measure(mm, object, bytes, &stats);
	if (err)
		return err;
	err = count_mappers(object->file->f_mapping, &nr_mms);
	if (err && err != -E2BIG)
		return err;
	seq_printf(m, "object %u\nobject_path ", number);
	seq_path(m, compat_file_path(object->file), "\n\\");
	seq_printf(m, "\nobject_start 0x%lx\nobject_end 0x%lx\n", object->start, object->end);
	seq_printf(m, "object_mapped_bytes %llu\n",
		   bytes[FOR_NOTHING] + bytes[FOR_READING] + bytes[FOR_WRITING] + bytes[FOR_CODE]);
	seq_printf(m, "object_executable_bytes %llu\n", bytes[FOR_CODE]);
	seq_printf(m, "object_writable_bytes %llu\n", bytes[FOR_WRITING]);
	seq_printf(m, "object_readonly_bytes %llu\n", bytes[FOR_READING]);
	seq_printf(m, "object_resident_bytes %llu\n", stats.resident_bytes);
	seq_printf(m, "object_shared_bytes %llu\n", stats.shared_bytes);
	seq_printf(m, "object_private_bytes %llu\n", stats.private_bytes);
	seq_printf(m, "object_proportional_bytes %llu\n",
		   stats.proportional >> WALK_PROPORTIONAL_SHIFT);
	if (!err)
		seq_printf(m, "object_processes %llu\n", nr_mms);
	seq_printf(m, "object_hole_below %u\n", object->nr_holes_to_start);
	seq_printf(m, "object_hole_above %u\n",
		   object->nr_holes_to_end < nr_holes ? object->nr_holes_to_end + 1 : 0);
	return 0;
}
