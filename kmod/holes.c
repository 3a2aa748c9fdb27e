// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vsyscall page is no VMA of an address space, so it is left out by itself.
 *
 * Where a writer wants the mmap lock it is given away between two VMAs, and mappings may change.
 * Mapped and holes then still add up to the space, but the list may differ from the totals above.
 */
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmap_lock.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "holes.h"
#include "walk.h"

/* A mapping and the hole below it; either may be empty. Both end at the end of the space. */
struct step {
	struct vm_area_struct *vma;
	unsigned long hole_start;
	unsigned long hole_end;
	unsigned long end;
};

/* The mmap lock is held, and was given away at most between two steps. */
static bool step_next(struct mm_struct *mm, struct step *step)
{
	if (step->end >= mm->task_size)
		return false;
	step->vma = find_vma(mm, step->end);
	step->hole_start = step->end;
	step->hole_end = mm->task_size;
	step->end = mm->task_size;
	if (step->vma) {
		step->hole_end = clamp(step->vma->vm_start, step->hole_start, step->end);
		step->end = min(step->vma->vm_end, step->end);
	}
	return true;
}

/* The room from the end of the heap, which need not have begun, or 0. */
static unsigned long heap_bytes(struct mm_struct *mm, const struct step *step)
{
	unsigned long end = PAGE_ALIGN(mm->brk);

	if (!mm->brk || end < step->hole_start || end >= step->hole_end)
		return 0;
	return step->hole_end - end;
}

static unsigned long stack_bytes(struct mm_struct *mm, const struct step *step)
{
	if (!step->vma || mm->start_stack < step->hole_end || mm->start_stack >= step->end)
		return 0;
	return step->hole_end - step->hole_start;
}

struct sums {
	struct holes_totals space;
	/* Only its counts and bytes: the 47 bits that every program gets. */
	struct holes_totals window;
};

static void add(struct holes_totals *totals, unsigned long limit, const struct step *step)
{
	unsigned long start = min(step->hole_start, limit), hole_end = min(step->hole_end, limit);
	unsigned long hole_bytes = hole_end - start;

	totals->count += !!hole_bytes;
	totals->bytes += hole_bytes;
	totals->largest_bytes = max_t(u64, totals->largest_bytes, hole_bytes);
	totals->mapped_bytes += min(step->end, limit) - hole_end;
}

/* The mmap lock is held, and afterwards unless it fails. */
static int sum(struct mm_struct *mm, struct sums *sums)
{
	struct step step = {};
	int err;

	*sums = (struct sums){
		.space.space_bytes = mm->task_size,
		.window.space_bytes = min(mm->task_size, DEFAULT_MAP_WINDOW),
	};
	while (step_next(mm, &step)) {
		add(&sums->space, mm->task_size, &step);
		add(&sums->window, sums->window.space_bytes, &step);
		sums->space.heap_bytes += heap_bytes(mm, &step);
		sums->space.stack_bytes += stack_bytes(mm, &step);
		err = walk_yield(mm);
		if (err)
			return err;
	}
	return 0;
}

/**
 * holes_totals - sums over the holes
 * @mm:     whose users are held
 * @totals: the result
 *
 * Takes the mmap lock. Returns 0 or -EINTR.
 */
int holes_totals(struct mm_struct *mm, struct holes_totals *totals)
{
	struct sums sums;
	int err;

	err = mmap_read_lock_killable(mm);
	if (err)
		return err;
	err = sum(mm, &sums);
	if (err)
		return err;
	mmap_read_unlock(mm);
	*totals = sums.space;
	return 0;
}

static const char *anon_name(struct vm_area_struct *vma)
{
#ifdef CONFIG_ANON_VMA_NAME
	if (vma->anon_name)
		return vma->anon_name->name;
#endif
	return NULL;
}

static void show_name(struct seq_file *m, const char *key, struct vm_area_struct *vma)
{
	const char *name = NULL;

	seq_puts(m, key);
	seq_putc(m, ' ');
	if (!vma) {
		seq_puts(m, "[none]");
	} else if (vma->vm_file) {
		seq_path(m, compat_file_path(vma->vm_file), "\n\\");
	} else {
		if (vma->vm_ops && vma->vm_ops->name)
			name = vma->vm_ops->name(vma);
		if (name) {
			seq_escape(m, name, "\n\\");
		} else if (compat_vma_is_heap(vma)) {
			seq_puts(m, "[heap]");
		} else if (compat_vma_is_stack(vma)) {
			seq_puts(m, "[stack]");
		} else if (anon_name(vma)) {
			seq_puts(m, "[anon:");
			seq_escape(m, anon_name(vma), "\n\\");
			seq_putc(m, ']');
		} else {
			seq_puts(m, "[anon]");
		}
	}
	seq_putc(m, '\n');
}

static void show_hole(struct seq_file *m, struct mm_struct *mm, unsigned int number,
		      const struct step *step)
{
	struct vm_area_struct *below = NULL;
	bool heap, stack;

	/* It may be gone if the lock was given away just before. */
	if (step->hole_start)
		below = find_vma_intersection(mm, step->hole_start - 1, step->hole_start);
	seq_printf(m, "hole %u\nhole_start 0x%lx\nhole_end 0x%lx\nhole_bytes %lu\n", number,
		   step->hole_start, step->hole_end, step->hole_end - step->hole_start);
	show_name(m, "hole_below", below);
	show_name(m, "hole_above", step->vma);
	heap = heap_bytes(mm, step);
	stack = stack_bytes(mm, step);
	if (heap || stack)
		seq_printf(m, "hole_role %s%s%s\n", heap ? "heap" : "", heap && stack ? "," : "",
			   stack ? "stack" : "");
}

static int show_holes(struct seq_file *m, struct mm_struct *mm)
{
	unsigned int number = 0;
	struct step step = {};
	int err;

	while (step_next(mm, &step) && !seq_has_overflowed(m)) {
		if (step.hole_start < step.hole_end)
			show_hole(m, mm, ++number, &step);
		err = walk_yield(mm);
		if (err)
			return err;
	}
	return 0;
}

static void show_totals(struct seq_file *m, const struct sums *sums)
{
	const struct holes_totals *space = &sums->space, *window = &sums->window;

	seq_printf(m, "holes_count %llu\n", space->count);
	seq_printf(m, "holes_bytes %llu\n", space->bytes);
	seq_printf(m, "largest_hole_bytes %llu\n", space->largest_bytes);
	seq_printf(m, "heap_hole_bytes %llu\n", space->heap_bytes);
	seq_printf(m, "stack_hole_bytes %llu\n", space->stack_bytes);
	seq_printf(m, "mapped_bytes %llu\n", space->mapped_bytes);
	seq_printf(m, "space_bytes %llu\n", space->space_bytes);
	seq_printf(m, "space_used_ppm %llu\n",
		   mul_u64_u64_div_u64(space->mapped_bytes, 1000000, space->space_bytes));
	seq_printf(m, "window_bytes %llu\n", window->space_bytes);
	seq_printf(m, "window_mapped_bytes %llu\n", window->mapped_bytes);
	seq_printf(m, "window_holes_count %llu\n", window->count);
	seq_printf(m, "window_holes_bytes %llu\n", window->bytes);
	seq_printf(m, "window_used_ppm %llu\n",
		   mul_u64_u64_div_u64(window->mapped_bytes, 1000000, window->space_bytes));
}

/**
 * holes_show - the file `holes`, without its first line
 * @m:  where to
 * @mm: whose users are held
 *
 * Takes the mmap lock. Returns 0 or -EINTR.
 */
int holes_show(struct seq_file *m, struct mm_struct *mm)
{
	struct sums sums;
	int err;

	/* All of it is asked for again, with a larger buffer. */
	if (seq_has_overflowed(m))
		return 0;
	err = mmap_read_lock_killable(mm);
	if (err)
		return err;
	err = sum(mm, &sums);
	if (err)
		return err;
	show_totals(m, &sums);
	err = show_holes(m, mm);
	if (err)
		return err;
	mmap_read_unlock(mm);
	return 0;
}
