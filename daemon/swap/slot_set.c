// SPDX-License-Identifier: GPL-2.0-only
#include "swap/slot_set.h"

#include <errno.h>
#include <stdlib.h>

#define WORD(n) ((n) >> 6)
#define BIT(n)	(1ULL << ((n)&63))

static uint64_t nr_words(uint64_t nr_bits)
{
	return (nr_bits + 63) / 64;
}

int slot_set_init(struct slot_set *set, uint64_t nr_max)
{
	uint64_t nr_bits = nr_max;

	*set = (struct slot_set){ .nr_max = nr_max };
	if (!nr_max || nr_max > SLOT_SET_MAX)
		return -EINVAL;
	do {
		uint64_t *words = calloc(nr_words(nr_bits), sizeof(*words));

		if (!words) {
			slot_set_fini(set);
			return -ENOMEM;
		}
		set->level[set->nr_levels++] = words;
		nr_bits = nr_words(nr_bits);
	} while (nr_bits > 1);
	return 0;
}

void slot_set_fini(struct slot_set *set)
{
	while (set->nr_levels)
		free(set->level[--set->nr_levels]);
}

void slot_set_add(struct slot_set *set, uint64_t n)
{
	for (uint32_t l = 0; l < set->nr_levels; l++, n = WORD(n)) {
		uint64_t before = set->level[l][WORD(n)];

		set->level[l][WORD(n)] |= BIT(n);
		if (before)
			return;
	}
}

void slot_set_del(struct slot_set *set, uint64_t n)
{
	for (uint32_t l = 0; l < set->nr_levels; l++, n = WORD(n)) {
		set->level[l][WORD(n)] &= ~BIT(n);
		if (set->level[l][WORD(n)])
			return;
	}
}

bool slot_set_has(const struct slot_set *set, uint64_t n)
{
	return set->level[0][WORD(n)] & BIT(n);
}

/* The smallest member below the bit @n of level @l, which is set. */
static uint64_t descend(const struct slot_set *set, uint32_t l, uint64_t n)
{
	while (l--)
		n = n * 64 + (uint64_t)__builtin_ctzll(set->level[l][n]);
	return n;
}

static uint64_t next_above(const struct slot_set *set, uint64_t from)
{
	uint64_t nr_bits = set->nr_max;

	/* Up until a word has a bit at or after @from, which stands for what follows there. */
	for (uint32_t l = 0; l < set->nr_levels && from < nr_bits; l++) {
		uint64_t rest = set->level[l][WORD(from)] & (~0ULL << (from & 63));

		if (rest)
			return descend(set, l, WORD(from) * 64 + (uint64_t)__builtin_ctzll(rest));
		from = WORD(from) + 1;
		nr_bits = nr_words(nr_bits);
	}
	return SLOT_SET_NONE;
}

uint64_t slot_set_next(const struct slot_set *set, uint64_t from)
{
	uint64_t n = next_above(set, from);

	return n == SLOT_SET_NONE && from ? next_above(set, 0) : n;
}
