/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The figures of a process: a table that each part fills for itself, and that reports show, in this
 * order and by these names in lower case.
 */
#ifndef _KMOD_FIGURES_H
#define _KMOD_FIGURES_H

#include <linux/bitmap.h>
#include <linux/types.h>

struct seq_file;

/* clang-format off */
#define FIGURES_OF_HOLES(X) \
	X(HOLES_COUNT) X(HOLES_BYTES) X(LARGEST_HOLE_BYTES) X(HEAP_HOLE_BYTES) \
	X(STACK_HOLE_BYTES) X(MAPPED_BYTES) X(SPACE_BYTES) X(SPACE_USED_PPM) \
	X(WINDOW_BYTES) X(WINDOW_MAPPED_BYTES) X(WINDOW_HOLES_COUNT) X(WINDOW_HOLES_BYTES) \
	X(WINDOW_USED_PPM)
#define FIGURES_OF_LIBS(X) \
	X(LIBS_COUNT) X(LIBS_MAPPED_BYTES) X(LIBS_RESIDENT_BYTES) X(LIBS_SHARED_BYTES) \
	X(LIBS_PRIVATE_BYTES) X(LIBS_PROPORTIONAL_BYTES)
/* What is now, and from COPIES on what was counted since tracking began. */
#define FIGURES_OF_COW(X) \
	X(SHARED_NOW_PAGES) X(MAYBE_SHARED_PAGES) X(COPIES) X(REUSES_WITHOUT_COPY) \
	X(ZERO_FIRST_WRITES) X(FILE_FIRST_WRITES) X(HUGE_BREAKS) X(HUGE_SPLITS) \
	X(HUGE_SPLIT_BYTES) X(HUGE_ZERO_WRITES) X(HUGE_ZERO_BYTES) X(HUGETLB_COPIES) \
	X(HUGETLB_BYTES_COPIED) X(FORKS) X(PAGE_TABLE_BYTES_COPIED) X(BYTES_COPIED) \
	X(CHILDREN) X(CHILDREN_COPIES) X(CHILDREN_REUSES) X(CHILDREN_BYTES_COPIED) \
	X(CHILDREN_LOST) X(PROBES_MISSED)
/* As enum upager_paging_attr has them, and of when they are. */
#define FIGURES_OF_PAGING(X) \
	X(BUDGET_BYTES) X(RESIDENT_BYTES) X(STANDBY_BYTES) X(SWAPPED_BYTES) X(FAULTS) \
	X(EVICTIONS) X(RESCUES) X(READAHEAD_PAGES) X(READAHEAD_HITS) X(CHECKSUM_FAILURES) \
	X(IO_ERRORS) X(REPORTED) X(REPORTED_AGE_MS)
#define FIGURES(X) FIGURES_OF_HOLES(X) FIGURES_OF_LIBS(X) FIGURES_OF_COW(X) FIGURES_OF_PAGING(X)
/* clang-format on */

enum figure {
#define X(figure) FIGURE_##figure,
	FIGURES(X)
#undef X
	NR_FIGURES
};

struct figures {
	u64 values[NR_FIGURES];
	DECLARE_BITMAP(known, NR_FIGURES); /* the others are not shown */
};

static inline void figures_set(struct figures *figures, enum figure figure, u64 value)
{
	figures->values[figure] = value;
	__set_bit(figure, figures->known);
}

/* Makes those from the first to the last known, as they are. */
static inline void figures_know(struct figures *figures, enum figure first, enum figure last)
{
	bitmap_set(figures->known, first, last - first + 1);
}

void figures_show(struct seq_file *m, const struct figures *figures);

#endif /* _KMOD_FIGURES_H */
