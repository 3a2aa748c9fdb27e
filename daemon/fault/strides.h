/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STRIDES_H
#define UPAGER_STRIDES_H

#include <stdint.h>

#include "base/types.h"

/*
 * Faults that come at equal distances, up or down: a column of a matrix, the
 * heads of records.  What is further than readahead's streams reach.
 *
 * A distance is believed when it was seen twice in a row; then twice as many
 * pages are fetched each time that the fault after those is of the stride, too.
 * The reference prediction table (Baer and Chen, 1991) by position instead of
 * by instruction, so that strides of several threads are told apart.
 */
#define STRIDES	    16
#define STRIDE_MIN  9 /* pages from one to the next: what is nearer may be a stream */
#define STRIDE_MAX  1024
#define STRIDE_MOST 32 /* pages that are fetched at once */

struct strides {
	struct stride {
		pgno_t last; /* page of the last fault */
		int32_t step; /* pages; 0: of one fault only */
		uint32_t seen; /* times in a row */
		uint32_t window; /* pages to fetch after the last */
		uint32_t taken; /* those that were */
		uint32_t used; /* clock of last use; 0: free */
	} at[STRIDES];
	uint32_t clock;
	uint64_t hits; /* pages fetched in strides that went on */
};

/* Pages to fetch: pg + step, pg + 2 * step ... */
struct stride_plan {
	int32_t step;
	uint32_t nr_pages;
	uint32_t stride; /* whose */
};

/* What to fetch with pg, at most limit pages; all of them are at or above 0. */
struct stride_plan strides_plan(struct strides *st, pgno_t pg, uint32_t limit);
/* So many of them were. */
void strides_taken(struct strides *st, struct stride_plan plan, uint32_t nr_pages);

static inline pgno_t stride_page(pgno_t pg, struct stride_plan plan, uint32_t i)
{
	return (pgno_t){ pg.v + (uint64_t)((int64_t)plan.step * (i + 1)) };
}

#endif
