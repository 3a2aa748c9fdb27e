/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_READAHEAD_H
#define UPAGER_READAHEAD_H

#include <stdint.h>

#include "base/types.h"

/*
 * Which pages to fetch together with a faulting one.
 *
 * Streams, ascending and descending, recognised by where a fault falls: a
 * stream remembers where its window ended; a fault there doubles the window.
 * After the on-demand readahead of mm/readahead.c, without its async marker;
 * streams of several threads are told apart by position.
 */
#define READAHEAD_STREAMS 32
#define READAHEAD_MAX	  64

struct readahead {
	struct {
		uint64_t up; /* next page if ascending */
		uint64_t down; /* next page if descending */
		uint32_t window; /* pages; 0: unused */
		uint32_t taken; /* pages of the last window */
		uint32_t used; /* clock of last use */
	} stream[READAHEAD_STREAMS];
	uint32_t clock;
	bool went_on; /* the last fault was of a stream that there was */
	uint64_t hits; /* pages fetched ahead in streams that went on */
};

/*
 * A run of at most limit pages that contains pg.  The caller cuts it to what
 * can be fetched together and reports with readahead_taken() what that was.
 */
struct run readahead_plan(struct readahead *ra, pgno_t pg, uint32_t limit, uint32_t *stream);
/* The same run for what is known to be read in order: as long as may be, at once. */
struct run readahead_widen(struct readahead *ra, uint32_t stream, struct run plan, pgno_t pg,
			   uint32_t limit);
void readahead_taken(struct readahead *ra, uint32_t stream, struct run run);

#endif
