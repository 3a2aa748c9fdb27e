// SPDX-License-Identifier: GPL-2.0-only
#include <linux/seq_file.h>
#include "figures.h"

static const char *const names[NR_FIGURES] = {
	[FIGURE_HOLES_COUNT] = "holes_count",
	[FIGURE_HOLES_BYTES] = "holes_bytes",
	[FIGURE_LARGEST_HOLE_BYTES] = "largest_hole_bytes",
	[FIGURE_HEAP_HOLE_BYTES] = "heap_hole_bytes",
	[FIGURE_STACK_HOLE_BYTES] = "stack_hole_bytes",
	[FIGURE_MAPPED_BYTES] = "mapped_bytes",
	[FIGURE_SPACE_BYTES] = "space_bytes",
	[FIGURE_SPACE_USED_PPM] = "space_used_ppm",
	[FIGURE_WINDOW_BYTES] = "window_bytes",
	[FIGURE_WINDOW_MAPPED_BYTES] = "window_mapped_bytes",
	[FIGURE_WINDOW_HOLES_COUNT] = "window_holes_count",
	[FIGURE_WINDOW_HOLES_BYTES] = "window_holes_bytes",
	[FIGURE_WINDOW_USED_PPM] = "window_used_ppm",
	[FIGURE_LIBS_COUNT] = "libs_count",
	[FIGURE_LIBS_MAPPED_BYTES] = "libs_mapped_bytes",
	[FIGURE_LIBS_RESIDENT_BYTES] = "libs_resident_bytes",
	[FIGURE_LIBS_SHARED_BYTES] = "libs_shared_bytes",
	[FIGURE_LIBS_PRIVATE_BYTES] = "libs_private_bytes",
	[FIGURE_LIBS_PROPORTIONAL_BYTES] = "libs_proportional_bytes",
	[FIGURE_SHARED_NOW_PAGES] = "shared_now_pages",
	[FIGURE_MAYBE_SHARED_PAGES] = "maybe_shared_pages",
	[FIGURE_COPIES] = "copies",
	[FIGURE_REUSES_WITHOUT_COPY] = "reuses_without_copy",
	[FIGURE_ZERO_FIRST_WRITES] = "zero_first_writes",
	[FIGURE_FILE_FIRST_WRITES] = "file_first_writes",
	[FIGURE_HUGE_BREAKS] = "huge_breaks",
	[FIGURE_FORKS] = "forks",
	[FIGURE_PAGE_TABLE_BYTES_COPIED] = "page_table_bytes_copied",
	[FIGURE_BYTES_COPIED] = "bytes_copied",
	[FIGURE_CHILDREN] = "children",
	[FIGURE_CHILDREN_COPIES] = "children_copies",
	[FIGURE_CHILDREN_REUSES] = "children_reuses",
	[FIGURE_CHILDREN_BYTES_COPIED] = "children_bytes_copied",
	[FIGURE_BUDGET_BYTES] = "budget_bytes",
	[FIGURE_RESIDENT_BYTES] = "resident_bytes",
	[FIGURE_STANDBY_BYTES] = "standby_bytes",
	[FIGURE_SWAPPED_BYTES] = "swapped_bytes",
	[FIGURE_FAULTS] = "faults",
	[FIGURE_EVICTIONS] = "evictions",
	[FIGURE_RESCUES] = "rescues",
	[FIGURE_READAHEAD_PAGES] = "readahead_pages",
	[FIGURE_READAHEAD_HITS] = "readahead_hits",
	[FIGURE_CHECKSUM_FAILURES] = "checksum_failures",
	[FIGURE_IO_ERRORS] = "io_errors",
	[FIGURE_REPORTED] = "reported",
	[FIGURE_REPORTED_AGE_MS] = "reported_age_ms",
};

void figures_show(struct seq_file *m, const struct figures *figures)
{
	unsigned int figure;

	for_each_set_bit(figure, figures->known, NR_FIGURES)
		seq_printf(m, "%s %llu\n", names[figure], figures->values[figure]);
}
