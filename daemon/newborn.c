// SPDX-License-Identifier: GPL-2.0-only
#include "newborn.h"

#include <stdlib.h>

#include "page.h"

void newborn_grow_up(struct pager *pg, struct space *sp)
{
	static const pgno_t end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };
	pgno_t n = { 0 };
	bool stale;

	pthread_mutex_lock(&sp->lock);
	stale = sp->map_changes != sp->born_changes;
	if (stale)
		sp->identified = false; /* it moved something meanwhile: look again */
	pthread_mutex_unlock(&sp->lock);
	if (stale)
		return;
	for (uint32_t i = 0; i < sp->born_with.nr; i++) {
		page_drop(pg, sp, n, sp->born_with.at[i].first);
		n = sp->born_with.at[i].end;
	}
	page_drop(pg, sp, n, end);
	for (uint32_t i = 0; i < sp->born_doubted.nr; i++)
		page_doubt(pg, sp, sp->born_doubted.at[i].first, sp->born_doubted.at[i].end);
	pthread_mutex_lock(&sp->lock);
	regions_fini(&sp->regions);
	sp->regions = sp->born_with;
	regions_init(&sp->born_with);
	pthread_mutex_unlock(&sp->lock);
	sp->phase = SPACE_LIVE;
	sp->rescan_wanted = true; /* wiped mappings are registered, too */
	sp->retry = true;
}

void newborn_take_agent(struct pager *pg, struct space *sp)
{
	struct newcomer *nc = sp->newcomer;

	sp->agent = nc->agent;
	if (nc->standby.map)
		sp->standby = nc->standby;
	pager_record_space(pg, sp);
	sp->newcomer = NULL;
	free(nc);
}
