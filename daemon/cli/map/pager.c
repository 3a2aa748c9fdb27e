// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/pager.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/upager.h"

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
		m->pager = MAP_SOURCE_TOTALS;
		m->pager_standby_bytes = record->standby_bytes;
		m->pager_swapped_bytes = record->swapped_bytes;
		m->pager_budget_bytes = record->budget_bytes;
	} else if (err == -ESRCH) {
		m->pager = MAP_SOURCE_FULL; /* it has nothing of it */
	}
	if (!err)
		free(record);
	upager_close(u);
	return err == -ENOMEM ? err : 0;
}
