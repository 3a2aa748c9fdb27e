// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include "figures.h"
#include "holes.h"
#include "libs.h"
#include "probes.h"
#include "sums.h"
#include "tracked.h"
#include "walk.h"

struct sums {
	struct figures *figures;
	/* The one that was come to last, or comes next. */
	struct object object;
	struct task_struct *task;
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

static int sum(struct sums *sums, struct mm_struct *mm, bool pages)
{
	struct step step = {};
	int err = 0;

	if (pages)
		err = object_next(mm, &sums->object);
	while (!err && step_next(mm, &step)) {
		if (pages && step.vma)
			add_present(sums, &step);
		holes_add(sums->figures, mm, &step, sums->task);
		if (sums->object.file && step.end >= sums->object.end) {
			sums->figures->values[FIGURE_LIBS_COUNT]++;
			err = object_next(mm, &sums->object);
		} else {
			err = walk_yield(mm);
		}
	}
	object_put(&sums->object);
	return err;
}

/* Without these features a count would be zero and a lie. */
static const u64 counts_need[NR_FIGURES] = {
	[FIGURE_COPIES] = UPAGER_FEATURE_COPIES,
	[FIGURE_REUSES_WITHOUT_COPY] = UPAGER_FEATURE_REUSES,
	[FIGURE_ZERO_FIRST_WRITES] = UPAGER_FEATURE_ZERO_WRITES,
	[FIGURE_FILE_FIRST_WRITES] = UPAGER_FEATURE_FILE_WRITES,
	[FIGURE_HUGE_BREAKS] = UPAGER_FEATURE_HUGE_BREAKS,
	[FIGURE_HUGE_SPLITS] = UPAGER_FEATURE_HUGE_SPLITS,
	[FIGURE_HUGE_SPLIT_BYTES] = UPAGER_FEATURE_HUGE_SPLITS,
	[FIGURE_HUGE_ZERO_WRITES] = UPAGER_FEATURE_HUGE_BREAKS,
	[FIGURE_HUGE_ZERO_BYTES] = UPAGER_FEATURE_HUGE_SPLITS,
	[FIGURE_HUGETLB_COPIES] = UPAGER_FEATURE_COPIES,
	[FIGURE_HUGETLB_BYTES_COPIED] = UPAGER_FEATURE_COPIES,
	[FIGURE_BYTES_COPIED] = UPAGER_FEATURE_COPIES | UPAGER_FEATURE_FILE_WRITES,
	[FIGURE_CHILDREN_COPIES] = UPAGER_FEATURE_COPIES,
	[FIGURE_CHILDREN_REUSES] = UPAGER_FEATURE_REUSES,
	[FIGURE_CHILDREN_BYTES_COPIED] = UPAGER_FEATURE_COPIES | UPAGER_FEATURE_FILE_WRITES,
};

void sums_count(struct figures *figures, struct tracked *tracked)
{
	u64 features = tracked->features ?: probes_features(true);
	enum figure figure;

	tracked_sum(tracked, figures->values);
	figures->values[FIGURE_PROBES_MISSED] = probes_missed();
	for (figure = FIGURE_COPIES; figure <= FIGURE_PROBES_MISSED; figure++)
		if ((features & counts_need[figure]) == counts_need[figure])
			__set_bit(figure, figures->known);
}

int sums_collect(struct figures *figures, unsigned int parts, struct task_struct *task,
		 struct mm_struct *mm, struct tracked *tracked)
{
	struct sums sums = { .figures = figures, .task = task };
	int err = 0;

	if (parts & (SUMS_HOLES | SUMS_LIBS | SUMS_COW)) {
		err = mmap_read_lock_killable(mm);
		if (!err)
			err = sum(&sums, mm, parts & (SUMS_LIBS | SUMS_COW));
		if (err)
			return err;
		mmap_read_unlock(mm);
	}
	if (parts & SUMS_HOLES)
		holes_end(figures);
	if (parts & SUMS_LIBS)
		libs_end(figures);
	if (parts & SUMS_COW && !IS_ENABLED(CONFIG_NO_PAGE_MAPCOUNT))
		figures_know(figures, FIGURE_SHARED_NOW_PAGES, FIGURE_SHARED_NOW_PAGES);
	if (parts & SUMS_COW)
		figures_know(figures, FIGURE_MAYBE_SHARED_PAGES, FIGURE_MAYBE_SHARED_PAGES);
	if (parts & SUMS_COW && tracked)
		sums_count(figures, tracked);
	if (parts & SUMS_PAGING && tracked)
		tracked_paging(tracked, figures);
	return 0;
}
