// SPDX-License-Identifier: GPL-2.0-only
#include "memory/hint_record.h"

#include <errno.h>

#define HINT_BITS 8

void hint_record_clear(struct hint_record *rec)
{
	rec->list[0].nr = 0;
	rec->current = 0;
}

/* Neighbours with the same hint are one, however they are split for other reasons. */
static void add(struct hint_list *to, const struct region *r)
{
	if (to->nr) {
		uint64_t *last = &to->at[to->nr - 1].end_hint;

		if (*last == (r->first.v << HINT_BITS | r->hint)) {
			*last = r->end.v << HINT_BITS | r->hint;
			return;
		}
	}
	if (to->nr == HINTS_MAX)
		return;
	to->at[to->nr].first = r->first.v;
	to->at[to->nr++].end_hint = r->end.v << HINT_BITS | r->hint;
}

void hint_record_save(struct hint_record *rec, const struct regions *rs)
{
	uint64_t next = !(rec->current & 1);
	struct hint_list *to = &rec->list[next];

	to->nr = 0;
	for (uint32_t i = 0; i < rs->nr; i++)
		if (rs->at[i].hint == REGION_PINNED)
			add(to, &rs->at[i]);
	for (uint32_t i = 0; i < rs->nr; i++)
		if (rs->at[i].hint != REGION_PINNED && rs->at[i].hint != REGION_PLAIN)
			add(to, &rs->at[i]);
	rec->current = next;
}

int hint_record_restore(const struct hint_record *rec, struct regions *rs)
{
	const struct hint_list *from = &rec->list[rec->current & 1];

	if (from->nr > HINTS_MAX)
		return -EBADMSG;
	for (uint64_t i = 0; i < from->nr; i++) {
		pgno_t first = { from->at[i].first }, end = { from->at[i].end_hint >> HINT_BITS };
		uint8_t hint = from->at[i].end_hint & 0xff;
		int err;

		if (first.v >= end.v || hint > REGION_PINNED)
			return -EBADMSG;
		err = region_add(rs, first, end);
		if (!err)
			err = region_hint(rs, first, end, (enum region_hint)hint);
		if (err)
			return err;
	}
	return 0;
}
