// SPDX-License-Identifier: GPL-2.0-only
/*
 * An object is a file that is mapped and begins as ELF files do. Three looks, as a file must not be
 * read under the mmap lock: which files are mapped; which of these are ELF; what of those is mapped
 * and present. Between and within the looks mappings may change: every look takes what it finds.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "elf.h"
#include "libs.h"
#include "mappers.h"
#include "walk.h"

/* Bounds the memory of a reader: 14 MiB, of files that cannot go away meanwhile. */
#define LIBS_FILES_MAX 65536

struct object {
	struct list_head node;
	struct hlist_node by_inode;
	/* Counted, so that the inode is no other file's while the object is known by it. */
	struct file *file;
	bool sized;
	struct elf_sizes sizes;
	unsigned long start;
	unsigned long end;
	u64 mapped_bytes;
	struct walk_stats stats;
	unsigned int hole_below;
	unsigned int hole_above;
};

struct libs {
	/* By address. */
	struct list_head objects;
	DECLARE_HASHTABLE(by_inode, 10);
	unsigned int nr_files;
	unsigned int nr_holes;
};

/*
 * Only files that can be read without an effect: no devices, and nothing of /proc or /sys, on
 * which nothing can be executed.
 */
static bool may_be_object(struct vm_area_struct *vma)
{
	struct file *file = vma->vm_file;

	return file && !(vma->vm_flags & WALK_FOREIGN) && S_ISREG(file_inode(file)->i_mode) &&
	       (file->f_mode & FMODE_READ) && file->f_op->read_iter && !file->f_op->read &&
	       !(file_inode(file)->i_sb->s_iflags & SB_I_NOEXEC);
}

static struct object *object_find(struct libs *libs, struct file *file)
{
	unsigned long inode = (unsigned long)file_inode(file);
	struct hlist_node *node = libs->by_inode[hash_min(inode, HASH_BITS(libs->by_inode))].first;

	for (; node; node = node->next) {
		struct object *object = hlist_entry(node, struct object, by_inode);

		if (file_inode(object->file) == file_inode(file))
			return object;
	}
	return NULL;
}

static int object_add(struct libs *libs, struct file *file)
{
	struct object *object;

	if (libs->nr_files == LIBS_FILES_MAX)
		return -E2BIG;
	object = kzalloc(sizeof(*object), GFP_KERNEL_ACCOUNT);
	if (!object)
		return -ENOMEM;
	object->file = get_file(file);
	list_add_tail(&object->node, &libs->objects);
	hash_add(libs->by_inode, &object->by_inode, (unsigned long)file_inode(file));
	libs->nr_files++;
	return 0;
}

static void object_drop(struct libs *libs, struct object *object)
{
	list_del(&object->node);
	hash_del(&object->by_inode);
	libs->nr_files--;
	fput(object->file);
	kfree(object);
}

static void libs_free(struct libs *libs)
{
	struct object *object, *next;

	list_for_each_entry_safe(object, next, &libs->objects, node)
		object_drop(libs, object);
	kfree(libs);
}

static int find_files(struct libs *libs, struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	unsigned long addr = 0;
	int err;

	err = mmap_read_lock_killable(mm);
	while (!err && (vma = find_vma(mm, addr))) {
		addr = vma->vm_end;
		if (may_be_object(vma) && !object_find(libs, vma->vm_file)) {
			err = object_add(libs, vma->vm_file);
			if (err) {
				mmap_read_unlock(mm);
				break;
			}
		}
		err = walk_yield(mm);
	}
	if (!err)
		mmap_read_unlock(mm);
	return err;
}

/* A malformed file is an object all the same, of which only its mappings are shown. */
static void object_check(struct libs *libs, struct object *object)
{
	int err;

	if (fatal_signal_pending(current))
		return;
	err = elf_read(object->file, &object->sizes);
	object->sized = !err;
	if (err == -ENOEXEC)
		object_drop(libs, object);
	cond_resched();
}

static int keep_objects(struct libs *libs)
{
	struct object *object, *next;

	list_for_each_entry_safe(object, next, &libs->objects, node)
		object_check(libs, object);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* What is present from @addr to @end of a VMA, or to where the mmap lock is to be given away. */
static unsigned long object_measure(struct object *object, struct libs *libs,
				    struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long end = walk_stats(vma, addr, vma->vm_end, &object->stats);

	if (!object->mapped_bytes) {
		object->start = addr;
		object->hole_below = libs->nr_holes;
	}
	object->end = end;
	object->mapped_bytes += end - addr;
	object->hole_above = libs->nr_holes + 1;
	return end;
}

static int measure(struct libs *libs, struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	unsigned long addr = 0;
	struct object *object;
	int err;

	err = mmap_read_lock_killable(mm);
	while (!err && (vma = find_vma(mm, addr))) {
		if (addr < vma->vm_start) {
			libs->nr_holes++;
			addr = vma->vm_start;
		}
		object = vma->vm_file ? object_find(libs, vma->vm_file) : NULL;
		if (object && !(vma->vm_flags & WALK_FOREIGN))
			addr = object_measure(object, libs, vma, addr);
		else
			addr = vma->vm_end;
		err = walk_yield(mm);
	}
	if (err)
		return err;
	if (addr < mm->task_size)
		libs->nr_holes++;
	mmap_read_unlock(mm);
	return 0;
}

static void object_sum(struct libs *libs, struct object *object, struct libs_totals *totals)
{
	/* It was unmapped between two looks. */
	if (!object->mapped_bytes) {
		object_drop(libs, object);
		return;
	}
	if (object->hole_above > libs->nr_holes)
		object->hole_above = 0;
	totals->count++;
	totals->mapped_bytes += object->mapped_bytes;
	totals->resident_bytes += object->stats.resident_bytes;
	totals->shared_bytes += object->stats.shared_bytes;
	totals->private_bytes += object->stats.private_bytes;
	totals->proportional_bytes += object->stats.proportional;
}

static void sum_up(struct libs *libs, struct libs_totals *totals)
{
	struct object *object, *next;

	*totals = (struct libs_totals){};
	list_for_each_entry_safe(object, next, &libs->objects, node)
		object_sum(libs, object, totals);
	totals->proportional_bytes >>= WALK_PROPORTIONAL_SHIFT;
}

static struct libs *libs_collect(struct mm_struct *mm, struct libs_totals *totals)
{
	struct libs *libs;
	int err;

	libs = kzalloc(sizeof(*libs), GFP_KERNEL_ACCOUNT);
	if (!libs)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&libs->objects);
	hash_init(libs->by_inode);
	err = find_files(libs, mm);
	if (!err)
		err = keep_objects(libs);
	if (!err)
		err = measure(libs, mm);
	if (err) {
		libs_free(libs);
		return ERR_PTR(err);
	}
	sum_up(libs, totals);
	return libs;
}

/**
 * libs_totals - sums over the mapped ELF objects
 * @mm:     whose users are held
 * @totals: the result
 *
 * Takes the mmap lock, and reads files. Returns 0, -EINTR, -ENOMEM, or -E2BIG for more than
 * LIBS_FILES_MAX mapped files.
 */
int libs_totals(struct mm_struct *mm, struct libs_totals *totals)
{
	struct libs *libs = libs_collect(mm, totals);

	if (IS_ERR(libs))
		return PTR_ERR(libs);
	libs_free(libs);
	return 0;
}

static int object_show(struct seq_file *m, unsigned int number, const struct object *object)
{
	const struct elf_sizes *sizes = &object->sizes;
	const struct walk_stats *stats = &object->stats;
	u64 nr_mms;
	int err;

	/* It is asked for again, with a larger buffer. */
	if (seq_has_overflowed(m))
		return 0;
	if (fatal_signal_pending(current))
		return -EINTR;
	err = mappers_count(object->file->f_mapping, &nr_mms);
	if (err)
		return err;
	seq_printf(m, "object %u\nobject_path ", number);
	seq_path(m, compat_file_path(object->file), "\n\\");
	seq_printf(m, "\nobject_start 0x%lx\n", object->start);
	seq_printf(m, "object_end 0x%lx\n", object->end);
	if (object->sized) {
		seq_printf(m, "text_bytes %llu\n", sizes->text_bytes);
		seq_printf(m, "rodata_bytes %llu\n", sizes->rodata_bytes);
		seq_printf(m, "relro_bytes %llu\n", sizes->relro_bytes);
		seq_printf(m, "data_bytes %llu\n", sizes->data_bytes);
		seq_printf(m, "bss_bytes %llu\n", sizes->bss_bytes);
	}
	seq_printf(m, "object_mapped_bytes %llu\n", object->mapped_bytes);
	seq_printf(m, "object_resident_bytes %llu\n", stats->resident_bytes);
	seq_printf(m, "object_shared_bytes %llu\n", stats->shared_bytes);
	seq_printf(m, "object_private_bytes %llu\n", stats->private_bytes);
	seq_printf(m, "object_proportional_bytes %llu\n",
		   stats->proportional >> WALK_PROPORTIONAL_SHIFT);
	seq_printf(m, "object_processes %llu\n", nr_mms);
	seq_printf(m, "object_hole_below %u\n", object->hole_below);
	seq_printf(m, "object_hole_above %u\n", object->hole_above);
	return 0;
}

static int libs_print(struct seq_file *m, const struct libs *libs, const struct libs_totals *totals)
{
	const struct list_head *node;
	unsigned int number = 0;
	int err = 0;

	seq_printf(m, "libs_count %llu\n", totals->count);
	seq_printf(m, "libs_mapped_bytes %llu\n", totals->mapped_bytes);
	seq_printf(m, "libs_resident_bytes %llu\n", totals->resident_bytes);
	seq_printf(m, "libs_shared_bytes %llu\n", totals->shared_bytes);
	seq_printf(m, "libs_private_bytes %llu\n", totals->private_bytes);
	seq_printf(m, "libs_proportional_bytes %llu\n", totals->proportional_bytes);
	for (node = libs->objects.next; !err && node != &libs->objects; node = node->next)
		err = object_show(m, ++number, list_entry(node, struct object, node));
	return err;
}

/**
 * libs_show - the file `libs`, without its first line
 * @m:  where to
 * @mm: whose users are held
 *
 * Returns as libs_totals() does. Of program headers that cannot be believed no sizes are shown.
 */
int libs_show(struct seq_file *m, struct mm_struct *mm)
{
	struct libs_totals totals;
	struct libs *libs;
	int err;

	if (seq_has_overflowed(m))
		return 0;
	libs = libs_collect(mm, &totals);
	if (IS_ERR(libs))
		return PTR_ERR(libs);
	err = libs_print(m, libs, &totals);
	libs_free(libs);
	return err;
}
