// SPDX-License-Identifier: GPL-2.0-only
#include "fault/strides.h"

#include <stdlib.h>

/* Times that a distance is seen before it is believed. */
#define BELIEVED 2
/* Pages that may have been there still, or were rescued. */
#define SKIPPED	 4

/* How many steps it is from the last one to pg; 0: none. */
static uint32_t steps_to(const struct stride *s, pgno_t pg)
{
	int64_t d = (int64_t)(pg.v - s->last.v);

	if (!s->step || d % s->step || d / s->step < 1)
		return 0;
	d /= s->step;
	return d <= s->window + 1 + SKIPPED ? (uint32_t)d : 0;
}

/* None that is believed: those wait for their own. */
static bool is_nearer(const struct stride *s, const struct stride *than, pgno_t pg)
{
	int64_t d = llabs((int64_t)(pg.v - s->last.v));

	return d >= STRIDE_MIN && d <= STRIDE_MAX && s->seen < BELIEVED &&
	       (!than || d < llabs((int64_t)(pg.v - than->last.v)));
}

static uint32_t go_on(struct strides *st, struct stride *s, pgno_t pg, uint32_t steps,
		      uint32_t limit)
{
	uint64_t room = s->step < 0 ? pg.v / (uint64_t)-s->step : STRIDE_MOST;

	st->hits += min_t(uint32_t, steps - 1, s->taken);
	s->taken = 0;
	s->last = pg;
	s->used = st->clock;
	if (s->seen < BELIEVED && ++s->seen < BELIEVED)
		return 0;
	s->window = min_t(uint32_t, s->window ? 2 * s->window : 1, STRIDE_MOST);
	s->window = (uint32_t)min_t(uint64_t, room, min_t(uint32_t, s->window, limit));
	return s->window;
}

struct stride_plan strides_plan(struct strides *st, pgno_t pg, uint32_t limit)
{
	struct stride *near = NULL, *oldest = &st->at[0];

	st->clock++;
	for (uint32_t i = 0; i < STRIDES; i++) {
		struct stride *s = &st->at[i];
		uint32_t steps = s->used ? steps_to(s, pg) : 0;

		if (steps)
			return (struct stride_plan){ s->step, go_on(st, s, pg, steps, limit), i };
		if (s->used < oldest->used)
			oldest = s;
		if (s->used && is_nearer(s, near, pg))
			near = s;
	}
	if (near)
		*near = (struct stride){ .step = (int32_t)(pg.v - near->last.v), .seen = 1 };
	else
		*oldest = (struct stride){ 0 };
	near = near ? near : oldest;
	near->last = pg;
	near->used = st->clock;
	return (struct stride_plan){ 0, 0, 0 };
}

void strides_taken(struct strides *st, struct stride_plan plan, uint32_t nr_pages)
{
	st->at[plan.stride].taken = nr_pages;
}
