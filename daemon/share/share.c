// SPDX-License-Identifier: GPL-2.0-only
#include "share/share.h"

#include "base/types.h"

/* a * b / c, which may need more than 64 bits on the way. */
static uint64_t part_of(uint64_t a, uint64_t b, uint64_t c)
{
	__extension__ typedef unsigned __int128 wide_t;

	return (uint64_t)((wide_t)a * b / c);
}

/* Gives at most total to those that stay below what limit() says, by weight; what is left. */
static uint64_t give(struct claim *const *claims, uint32_t nr, uint64_t total,
		     uint64_t (*limit)(const struct claim *))
{
	while (total) {
		uint64_t weights = 0, given = 0;

		for (uint32_t i = 0; i < nr; i++)
			weights += claims[i]->due < limit(claims[i]) ? claims[i]->weight : 0;
		if (!weights)
			break;
		for (uint32_t i = 0; i < nr; i++) {
			struct claim *c = claims[i];
			uint64_t part;

			if (c->due >= limit(c))
				continue;
			part = part_of(total, c->weight, weights);
			part = min_t(uint64_t, part, limit(c) - c->due);
			c->due += part;
			given += part;
		}
		if (!given)
			break; /* less than a page for each */
		total -= given;
	}
	return total;
}

static uint64_t up_to_floor(const struct claim *c)
{
	return min_t(uint64_t, c->floor, c->max);
}

static uint64_t up_to_want(const struct claim *c)
{
	return min_t(uint64_t, c->want, c->max);
}

static uint64_t up_to_max(const struct claim *c)
{
	return c->max;
}

/* What it may have at once: nobody has to let go of anything for that. */
static uint64_t at_once(const struct claim *c)
{
	uint64_t kept = min_t(uint64_t, c->share, c->due);

	return max_t(uint64_t, kept, min_t(uint64_t, c->held, c->due));
}

static void hand_over(struct claim *const *claims, uint32_t nr, uint64_t total)
{
	uint64_t used = 0, raise = 0, spare;

	for (uint32_t i = 0; i < nr; i++) {
		used += max_t(uint64_t, at_once(claims[i]), claims[i]->held);
		raise += claims[i]->due - at_once(claims[i]);
	}
	spare = total > used ? total - used : 0;
	for (uint32_t i = 0; i < nr; i++) {
		struct claim *c = claims[i];
		uint64_t more = c->due - at_once(c);

		c->share = at_once(c) + (raise <= spare ? more : part_of(more, spare, raise));
	}
}

void share_divide(struct claim *const *claims, uint32_t nr, uint64_t total)
{
	uint64_t left;

	for (uint32_t i = 0; i < nr; i++)
		claims[i]->due = 0;
	left = give(claims, nr, total, up_to_floor);
	left = give(claims, nr, left, up_to_want);
	/* Nobody wants that now: room to grow without waiting. */
	give(claims, nr, left, up_to_max);
	hand_over(claims, nr, total);
}
