// SPDX-License-Identifier: GPL-2.0-only
#include "busy.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

/* While the worker has something to do. */
#define LOOK_ALL_NS (50 * NS_PER_MS)

int busy_init(struct busy *b)
{
	b->id = calloc(SPACES_MAX, sizeof(*b->id));
	b->is = calloc(SPACES_MAX, sizeof(*b->is));
	if (b->id && b->is)
		return 0;
	busy_fini(b);
	return -ENOMEM;
}

void busy_fini(struct busy *b)
{
	free(b->id);
	free(b->is);
	*b = (struct busy){ 0 };
}

void busy_add(struct busy *b, uint32_t id)
{
	if (b->is[id])
		return;
	b->is[id] = true;
	b->id[b->nr++] = id;
}

void busy_add_all(struct busy *b, const struct pager *pg)
{
	for (uint32_t id = 1; id < pg->nr_ids; id++)
		if (pager_space(pg, id))
			busy_add(b, id);
}

void busy_add_due(struct busy *b, const struct pager *pg, uint64_t now_ns)
{
	if ((!b->timer_ns || now_ns < b->timer_ns) && now_ns < b->all_ns + LOOK_ALL_NS)
		return;
	b->timer_ns = 0; /* as they say this time */
	b->all_ns = now_ns;
	busy_add_all(b, pg);
}

void busy_remove(struct busy *b, uint32_t i, uint64_t next_ns)
{
	b->is[b->id[i]] = false;
	b->id[i] = b->id[--b->nr];
	b->timer_ns = sooner_ns(b->timer_ns, next_ns);
}
