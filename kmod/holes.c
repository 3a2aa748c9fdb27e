// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vsyscall page is no VMA of an address space, so it is left out by itself.
 *
 * The mmap lock is given away between two steps, and mappings may change.  Mapped and holes then
 * still add up to the space, but the list may differ from the sums.
 */
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include "compat.h"
#include "figures.h"
#include "holes.h"

bool step_next(struct mm_struct *mm, struct step *step)
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

/* What is left of a limit of which so many bytes are used. */
static unsigned long left(struct task_struct *task, unsigned int which, unsigned long used)
{
	unsigned long limit = task ? task_rlimit(task, which) : RLIM_INFINITY;

	return limit - min(limit, used);
}

/* As brk() has it: its area and the program's data are one limit, all that is private another. */
static unsigned long heap_left(struct mm_struct *mm, struct task_struct *task)
{
	unsigned long used = PAGE_ALIGN(mm->brk) - mm->start_brk + mm->end_data - mm->start_data;

	return min3(left(task, RLIMIT_DATA, used),
		    left(task, RLIMIT_DATA, mm->data_vm << PAGE_SHIFT),
		    left(task, RLIMIT_AS, mm->total_vm << PAGE_SHIFT));
}

static unsigned long stack_left(struct vm_area_struct *vma, struct task_struct *task)
{
	return min(left(task, RLIMIT_STACK, vma->vm_end - vma->vm_start),
		   left(task, RLIMIT_AS, vma->vm_mm->total_vm << PAGE_SHIFT));
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
	struct vm_area_struct *vma = step->vma;

	if (!vma || mm->start_stack < vma->vm_start || mm->start_stack >= vma->vm_end)
		return 0;
	return step->hole_end - step->hole_start;
}

void holes_add(struct figures *figures, struct mm_struct *mm, const struct step *step,
	       struct task_struct *task)
{
	unsigned long window = min(mm->task_size, DEFAULT_MAP_WINDOW);
	unsigned long start = min(step->hole_start, window);
	unsigned long hole_end = min(step->hole_end, window);
	u64 hole_bytes = step->hole_end - step->hole_start;
	u64 *values = figures->values;

	values[FIGURE_HOLES_COUNT] += step_has_hole(step);
	values[FIGURE_HOLES_BYTES] += hole_bytes;
	values[FIGURE_LARGEST_HOLE_BYTES] = max(values[FIGURE_LARGEST_HOLE_BYTES], hole_bytes);
	values[FIGURE_HEAP_HOLE_BYTES] += min(heap_bytes(mm, step), heap_left(mm, task));
	if (stack_bytes(mm, step))
		values[FIGURE_STACK_HOLE_BYTES] +=
			min(stack_bytes(mm, step), stack_left(step->vma, task));
	values[FIGURE_MAPPED_BYTES] += step->end - step->hole_end;
	values[FIGURE_SPACE_BYTES] = mm->task_size;
	/* The 47 bits that every program gets. */
	values[FIGURE_WINDOW_BYTES] = window;
	values[FIGURE_WINDOW_MAPPED_BYTES] += min(step->end, window) - hole_end;
	values[FIGURE_WINDOW_HOLES_COUNT] += start < hole_end;
	values[FIGURE_WINDOW_HOLES_BYTES] += hole_end - start;
}

void holes_end(struct figures *figures)
{
	u64 *values = figures->values;

	values[FIGURE_SPACE_USED_PPM] = mul_u64_u64_div_u64(values[FIGURE_MAPPED_BYTES], 1000000,
							    values[FIGURE_SPACE_BYTES]);
	values[FIGURE_WINDOW_USED_PPM] = mul_u64_u64_div_u64(values[FIGURE_WINDOW_MAPPED_BYTES],
							     1000000, values[FIGURE_WINDOW_BYTES]);
	figures_know(figures, FIGURE_HOLES_COUNT, FIGURE_WINDOW_USED_PPM);
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

void holes_show(struct seq_file *m, struct mm_struct *mm, const struct step *step,
		unsigned int number)
{
	bool heap = heap_bytes(mm, step), stack = stack_bytes(mm, step);
	struct vm_area_struct *below = NULL;

	/* It may be gone if the lock was given away just before. */
	if (step->hole_start)
		below = find_vma_intersection(mm, step->hole_start - 1, step->hole_start);
	seq_printf(m, "hole %u\nhole_start 0x%lx\nhole_end 0x%lx\nhole_bytes %lu\n", number,
		   step->hole_start, step->hole_end, step->hole_end - step->hole_start);
	show_name(m, "hole_below", below);
	show_name(m, "hole_above", step->vma);
	if (heap || stack)
		seq_printf(m, "hole_role %s%s%s\n", heap ? "heap" : "", heap && stack ? "," : "",
			   stack ? "stack" : "");
}
