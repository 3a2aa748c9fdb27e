// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include "figures.h"
#include "holes.h"
#include "libs.h"
#include "sums.h"
#include "walk.h"

struct sums {
	struct figures *figures;
	/* The one that was come to last, or comes next. */
	struct object object;
};

/* What is present in a mapping, as far as one holding of the mmap lock goes: there it ends. */
static void add_present(struct sums *sums, struct step *step)
{
	bool of_object = object_has(&sums->object, step->vma);
	struct walk_stats stats = {};

	if (step->vma->vm_flags & WALK_FOREIGN)
		return;
	/* No anonymous page is in a VMA without an anon_vma, and of others only objects count. */
	if (!of_object && !step->vma->anon_vma)
		return;
	step->end = walk_stats(step->vma, step->hole_end, step->end, &stats);
	sums->figures->values[FIGURE_SHARED_NOW_PAGES] += stats.shared_now_pages;
	sums->figures->values[FIGURE_MAYBE_SHARED_PAGES] += stats.maybe_shared_pages;
	if (of_object)
		libs_add(sums->figures, step->end - step->hole_end, &stats);
}

static int next_object(struct sums *sums, struct mm_struct *mm)
{
	int err = object_next(mm, &sums->object);

	if (!err && sums->object.file)
		libs_add_object(sums->figures);
	return err;
}

static int sum(struct sums *sums, struct mm_struct *mm, bool pages)
{
	struct step step = {};
	int err = 0;

	if (pages)
		err = next_object(sums, mm);
	while (!err && step_next(mm, &step)) {
		if (pages && step.vma)
			add_present(sums, &step);
		holes_add(sums->figures, mm, &step);
		if (sums->object.file && step.end >= sums->object.end)
			err = next_object(sums, mm);
		else
			err = walk_yield(mm);
	}
	return err;
}

int sums_collect(struct mm_struct *mm, bool pages, struct figures *figures)
{
	struct sums sums = { .figures = figures };
	int err;

	if (pages) {
		libs_begin(figures);
		figures_set(figures, FIGURE_SHARED_NOW_PAGES, 0);
		figures_set(figures, FIGURE_MAYBE_SHARED_PAGES, 0);
	}
	err = mmap_read_lock_killable(mm);
	if (err)
		return err;
	err = sum(&sums, mm, pages);
	if (!err)
		mmap_read_unlock(mm);
	object_put(&sums.object);
	libs_end(figures);
	return err;
}
