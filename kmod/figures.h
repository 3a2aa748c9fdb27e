/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The figures of a process: a table that each part fills for itself, and that reports show.  In the
 * order in which they are shown.
 */
#ifndef _KMOD_FIGURES_H
#define _KMOD_FIGURES_H

#include <linux/bitmap.h>
#include <linux/types.h>

struct seq_file;

enum figure {
	/* holes */
	FIGURE_HOLES_COUNT,
	FIGURE_HOLES_BYTES,
	FIGURE_LARGEST_HOLE_BYTES,
	FIGURE_HEAP_HOLE_BYTES,
	FIGURE_STACK_HOLE_BYTES,
	FIGURE_MAPPED_BYTES,
	FIGURE_SPACE_BYTES,
	FIGURE_SPACE_USED_PPM,
	FIGURE_WINDOW_BYTES,
	FIGURE_WINDOW_MAPPED_BYTES,
	FIGURE_WINDOW_HOLES_COUNT,
	FIGURE_WINDOW_HOLES_BYTES,
	FIGURE_WINDOW_USED_PPM,
	/* libs */
	FIGURE_LIBS_COUNT,
	FIGURE_LIBS_MAPPED_BYTES,
	FIGURE_LIBS_RESIDENT_BYTES,
	FIGURE_LIBS_SHARED_BYTES,
	FIGURE_LIBS_PRIVATE_BYTES,
	FIGURE_LIBS_PROPORTIONAL_BYTES,
	/* cow: what is now */
	FIGURE_SHARED_NOW_PAGES,
	FIGURE_MAYBE_SHARED_PAGES,
	/* cow: what was counted since tracking began */
	FIGURE_COPIES,
	FIGURE_REUSES_WITHOUT_COPY,
	FIGURE_ZERO_FIRST_WRITES,
	FIGURE_FILE_FIRST_WRITES,
	FIGURE_HUGE_BREAKS,
	FIGURE_FORKS,
	FIGURE_PAGE_TABLE_BYTES_COPIED,
	FIGURE_BYTES_COPIED,
	FIGURE_CHILDREN,
	FIGURE_CHILDREN_COPIES,
	FIGURE_CHILDREN_REUSES,
	FIGURE_CHILDREN_BYTES_COPIED,
	/* paging: as enum upager_paging_attr has them, and of when they are */
	FIGURE_BUDGET_BYTES,
	FIGURE_RESIDENT_BYTES,
	FIGURE_STANDBY_BYTES,
	FIGURE_SWAPPED_BYTES,
	FIGURE_FAULTS,
	FIGURE_EVICTIONS,
	FIGURE_RESCUES,
	FIGURE_READAHEAD_PAGES,
	FIGURE_READAHEAD_HITS,
	FIGURE_CHECKSUM_FAILURES,
	FIGURE_IO_ERRORS,
	FIGURE_REPORTED,
	FIGURE_REPORTED_AGE_MS,
	NR_FIGURES,
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

void figures_show(struct seq_file *m, const struct figures *figures);

#endif /* _KMOD_FIGURES_H */
