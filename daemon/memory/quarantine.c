// SPDX-License-Identifier: GPL-2.0-only
#include "memory/quarantine.h"

void quarantine_add(struct quarantine *q, pgno_t first, pgno_t end, uint64_t now_ns)
{
	for (uint32_t i = 0; i < q->nr; i++) {
		if (q->at[i].first.v > first.v || q->at[i].end.v < end.v)
			continue;
		q->at[i].read_ns = now_ns;
		return;
	}
	if (q->nr == QUARANTINE_RANGES) {
		q->all_ns = now_ns;
		q->nr = 0;
		return;
	}
	q->at[q->nr].first = first;
	q->at[q->nr].end = end;
	q->at[q->nr++].read_ns = now_ns;
}

void quarantine_release(struct quarantine *q, uint64_t safe_ns)
{
	for (uint32_t i = 0; i < q->nr;) {
		if (q->at[i].read_ns < safe_ns)
			q->at[i] = q->at[--q->nr];
		else
			i++;
	}
	if (q->all_ns < safe_ns)
		q->all_ns = 0;
}

bool quarantine_contains(const struct quarantine *q, pgno_t pg)
{
	if (q->all_ns)
		return true;
	for (uint32_t i = 0; i < q->nr; i++)
		if (pg.v >= q->at[i].first.v && pg.v < q->at[i].end.v)
			return true;
	return false;
}
