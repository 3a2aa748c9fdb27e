// SPDX-License-Identifier: GPL-2.0-only
#include "memory/page_stamps.h"

#include <stdlib.h>

#define ROOM_MIN 64
/* A program that wants more is not paged. */
#define ROOM_MAX (1u << 20)

void page_stamps_fini(struct page_stamps *ps)
{
	free(ps->at);
	*ps = (struct page_stamps){ 0 };
}

/* Where the page is, or would be; a part of the places is always free. */
static struct page_stamp *place_of(const struct page_stamps *ps, pgno_t n)
{
	uint32_t i = (uint32_t)((n.v * 0x9e3779b97f4a7c15ULL) >> 32);

	for (;; i++) {
		struct page_stamp *s = &ps->at[i & (ps->room - 1)];

		if (!s->round || s->page.v == n.v)
			return s;
	}
}

struct page_stamp *page_stamps_find(const struct page_stamps *ps, pgno_t n)
{
	struct page_stamp *s = ps->room ? place_of(ps, n) : NULL;

	return s && s->round ? s : NULL;
}

/* Room for as many again as are not old. */
static bool make_room(struct page_stamps *ps, uint32_t since)
{
	struct page_stamps fresh = { .room = ROOM_MIN };

	for (uint32_t i = 0; i < ps->room; i++)
		fresh.nr += ps->at[i].round && ps->at[i].round >= since;
	while (fresh.room < 4 * fresh.nr)
		fresh.room *= 2;
	if (fresh.room <= ROOM_MAX)
		fresh.at = calloc(fresh.room, sizeof(*fresh.at));
	if (!fresh.at)
		return false;
	for (uint32_t i = 0; i < ps->room; i++)
		if (ps->at[i].round && ps->at[i].round >= since)
			*place_of(&fresh, ps->at[i].page) = ps->at[i];
	free(ps->at);
	*ps = fresh;
	return true;
}

struct page_stamp *page_stamps_set(struct page_stamps *ps, pgno_t n, uint32_t round, uint32_t since)
{
	struct page_stamp *s = page_stamps_find(ps, n);

	if (!s) {
		if (2 * ps->nr >= ps->room && !make_room(ps, since))
			return NULL;
		s = place_of(ps, n);
		*s = (struct page_stamp){ .page = n };
		ps->nr++;
	}
	s->round = round;
	return s;
}
