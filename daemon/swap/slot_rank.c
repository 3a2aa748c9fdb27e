// SPDX-License-Identifier: GPL-2.0-only
#include "swap/slot_rank.h"

/* Standing at the end, a hint begins at the start. */
void slot_rank_init(struct slot_rank *rank)
{
	for (uint32_t h = 0; h < SLOT_HINTS; h++)
		rank->cursor[h] = (struct slot_cursor){ .extent = SLOT_EXTENT_NONE,
							.turn = rank->nr_areas - 1 };
}

static struct slot_extents *cursor_extents(struct slot_rank *rank, struct slot_extents *extents,
					   const struct slot_cursor *c)
{
	return &extents[rank->area[c->turn]];
}

static void disown(struct slot_rank *rank, struct slot_extents *extents, struct slot_cursor *c)
{
	if (c->owns)
		slot_extents_disown(cursor_extents(rank, extents, c), c->extent);
	c->owns = false;
}

/* Owns the next extent of a kind after the cursor's last one, the areas in turn. */
static bool own_kind(struct slot_rank *rank, struct slot_extents *extents, struct slot_cursor *c,
		     bool whole)
{
	uint64_t from = c->extent;
	uint32_t turn = c->turn;

	for (uint32_t i = 0; i < rank->nr_areas; i++) {
		uint64_t extent;

		if (++turn == rank->nr_areas) {
			turn = 0;
			from++;
		}
		if (extents[rank->area[turn]].closed)
			continue;
		extent = slot_extents_own(&extents[rank->area[turn]], from, whole);
		if (extent == SLOT_EXTENT_NONE)
			continue;
		*c = (struct slot_cursor){ .extent = extent, .turn = turn, .owns = true };
		return true;
	}
	return false;
}

static bool own_next(struct slot_rank *rank, struct slot_extents *extents, struct slot_cursor *c)
{
	return own_kind(rank, extents, c, true) || own_kind(rank, extents, c, false);
}

/* Goes on in the extent behind the cursor's, so that the run stays one run. */
static bool own_adjacent(struct slot_rank *rank, struct slot_extents *extents,
			 struct slot_cursor *c)
{
	struct slot_extents *x = cursor_extents(rank, extents, c);
	uint64_t next = c->extent + 1;

	/* With several areas in turn the next extent belongs to another one. */
	if (rank->nr_areas > 1 || c->pos < SLOT_EXTENT_SLOTS || next == x->nr_extents ||
	    !slot_set_has(&x->whole, next))
		return false;
	disown(rank, extents, c);
	return own_kind(rank, extents, c, true);
}

static uint32_t take(struct slot_rank *rank, struct slot_extents *extents, struct slot_cursor *c,
		     uint32_t want, uint64_t *first)
{
	uint32_t nr;

	if (!c->owns || cursor_extents(rank, extents, c)->closed)
		return 0;
	nr = slot_extents_take(cursor_extents(rank, extents, c), c->extent, c->pos, want, first);
	if (nr)
		c->pos = (uint16_t)(*first % SLOT_EXTENT_SLOTS + nr);
	return nr;
}

void slot_rank_let_go(struct slot_rank *rank, struct slot_extents *extents)
{
	for (uint32_t h = 0; h < SLOT_HINTS; h++)
		disown(rank, extents, &rank->cursor[h]);
}

void slot_rank_remove(struct slot_rank *rank, struct slot_extents *extents, uint32_t area)
{
	uint32_t at = 0;

	while (at < rank->nr_areas && rank->area[at] != area)
		at++;
	if (at == rank->nr_areas)
		return;
	slot_rank_let_go(rank, extents);
	rank->nr_areas--;
	for (uint32_t i = at; i < rank->nr_areas; i++)
		rank->area[i] = rank->area[i + 1];
	if (rank->nr_areas)
		slot_rank_init(rank);
}

uint32_t slot_rank_take(struct slot_rank *rank, struct slot_extents *extents, uint32_t hint,
			uint32_t want, uint32_t *area, uint64_t *first)
{
	struct slot_cursor *c = &rank->cursor[hint % SLOT_HINTS];
	uint64_t nr_free = 0;
	uint32_t nr;

	for (uint32_t i = 0; i < rank->nr_areas; i++)
		nr_free += extents[rank->area[i]].closed ? 0 : extents[rank->area[i]].nr_free;
	if (!nr_free)
		return 0;
	nr = take(rank, extents, c, want, first);
	if (!nr) {
		disown(rank, extents, c);
		if (!own_next(rank, extents, c)) {
			/* What is left lies in the extents of the other hints. */
			slot_rank_let_go(rank, extents);
			own_next(rank, extents, c);
		}
		nr = take(rank, extents, c, want, first);
	}
	while (nr < want && own_adjacent(rank, extents, c)) {
		uint64_t next;

		nr += take(rank, extents, c, want - nr, &next);
	}
	*area = rank->area[c->turn];
	return nr;
}
