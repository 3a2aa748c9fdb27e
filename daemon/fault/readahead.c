// SPDX-License-Identifier: GPL-2.0-only
#include "fault/readahead.h"

/* A stream may skip a few pages that were still resident. */
#define NEAR 8

/* The stream goes on: what was fetched ahead before has been used. */
static uint32_t go_on(struct readahead *ra, uint32_t i, uint32_t limit)
{
	uint32_t window =
		min_t(uint32_t, ra->stream[i].window * 2, min_t(uint32_t, limit, READAHEAD_MAX));

	ra->went_on = true;
	ra->hits += ra->stream[i].taken;
	ra->stream[i].taken = 0;
	ra->stream[i].used = ra->clock;
	ra->stream[i].window = window;
	return window;
}

struct run readahead_plan(struct readahead *ra, pgno_t pg, uint32_t limit, uint32_t *stream)
{
	uint32_t oldest = 0, window;

	ra->clock++;
	for (uint32_t i = 0; i < READAHEAD_STREAMS; i++) {
		uint64_t up = ra->stream[i].up, down = ra->stream[i].down;

		if (ra->stream[i].used < ra->stream[oldest].used)
			oldest = i;
		if (!ra->stream[i].window)
			continue;
		*stream = i;
		if (pg.v >= up && pg.v < up + NEAR) {
			window = go_on(ra, i, limit);
			return (struct run){ pg, window };
		}
		if (pg.v <= down && pg.v + NEAR > down) {
			window = go_on(ra, i, limit);
			if (window > pg.v)
				window = (uint32_t)pg.v + 1;
			return (struct run){ { pg.v - window + 1 }, window };
		}
	}
	*stream = oldest;
	ra->went_on = false;
	ra->stream[oldest].used = ra->clock;
	ra->stream[oldest].window = 1;
	ra->stream[oldest].taken = 0;
	return (struct run){ pg, 1 };
}

struct run readahead_widen(struct readahead *ra, uint32_t stream, struct run plan, pgno_t pg,
			   uint32_t limit)
{
	uint32_t window = min_t(uint32_t, limit, READAHEAD_MAX);

	ra->stream[stream].window = window;
	if (plan.first.v < pg.v && pg.v >= window) /* descending */
		return (struct run){ { pg.v - window + 1 }, window };
	return (struct run){ pg, window };
}

void readahead_taken(struct readahead *ra, uint32_t stream, struct run run)
{
	ra->stream[stream].up = run.first.v + run.nr_pages;
	ra->stream[stream].down = run.first.v - 1;
	ra->stream[stream].taken = run.nr_pages - 1;
}
