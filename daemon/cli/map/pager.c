// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/pager.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/upager.h"

/* What it took out and /proc does not show is UNTOUCHED until here. */
static void mark_part(struct map_region *r, uint32_t cell, uint32_t nr_pages, enum map_state state)
{
	struct map_cell *c = r->nr_cells ? &r->cells[cell] : NULL;
	uint64_t n = min_t(uint64_t, nr_pages, r->pages[MAP_UNTOUCHED]);

	if (c) {
		n = min_t(uint64_t, n, c->pages[MAP_UNTOUCHED]);
		c->pages[MAP_UNTOUCHED] -= (uint32_t)n;
		c->pages[state] += (uint32_t)n;
	}
	r->pages[MAP_UNTOUCHED] -= n;
	r->pages[state] += n;
}

/* What the kernel has a mark of is known already. */
static uint32_t new_lost(const struct map_region *r, uint32_t cell, uint32_t lost)
{
	uint64_t marked = r->nr_cells ? r->cells[cell].pages[MAP_MARKED] : r->pages[MAP_MARKED];

	return lost > marked ? lost - (uint32_t)marked : 0;
}

/* A part for each cell. */
static int ask_region(struct upager *u, pid_t pid, struct map_region *r)
{
	struct upager_where where;
	uint32_t parts = r->nr_cells ? r->nr_cells : 1;
	int err = upager_where(u, pid, r->start, map_region_bytes(r), parts, &where);

	for (uint32_t i = 0; !err && i < parts; i++) {
		mark_part(r, i, where.part[i].standby_pages, MAP_STANDBY);
		mark_part(r, i, where.part[i].swapped_pages, MAP_SWAPPED);
		mark_part(r, i, new_lost(r, i, where.part[i].lost_pages), MAP_MARKED);
	}
	return err;
}

static enum map_source ask_regions(struct upager *u, struct map *m)
{
	for (uint32_t i = 0; i < m->nr_regions; i++)
		if (m->region[i].uffd && ask_region(u, m->pid, &m->region[i]))
			return MAP_SOURCE_TOTALS;
	return MAP_SOURCE_FULL;
}

int map_pager_ask(struct map *m)
{
	struct upager_record *record;
	struct upager *u;
	uint32_t nr;
	int err;

	if (upager_open(NULL, &u))
		return 0;
	err = upager_status(u, m->pid, &record, &nr);
	if (!err && nr == 1) {
		m->pager_standby_bytes = record->standby_bytes;
		m->pager_swapped_bytes = record->swapped_bytes;
		m->pager_budget_bytes = record->budget_bytes;
		m->pager = ask_regions(u, m);
	} else if (err == -ESRCH) {
		m->pager = MAP_SOURCE_FULL; /* it has nothing of it */
	}
	if (!err)
		free(record);
	upager_close(u);
	return err == -ENOMEM ? err : 0;
}
