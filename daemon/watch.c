// SPDX-License-Identifier: GPL-2.0-only
#include "watch.h"

#include <stddef.h>

#include "evict/pool.h"

static void uffd_ready(void *context, struct op *op, int res)
{
	struct watch *w = (struct watch *)(void *)((char *)op - offsetof(struct watch, uffd));
	struct space *sp = w->pg->space[w->id];

	(void)context;
	(void)res;
	w->uffd_armed = op->more;
	busy_add(w->busy, w->id);
	if (sp)
		sp->worker.readable = true;
}

static void agent_ready(void *context, struct op *op, int res)
{
	struct watch *w = (struct watch *)(void *)((char *)op - offsetof(struct watch, agent));

	(void)context;
	(void)res;
	w->agent_armed = op->more;
	w->agent_signalled = true;
	busy_add(w->busy, w->id);
}

void watch_arm(struct watch *w, struct pager *pg, struct space *sp, struct busy *busy)
{
	if (!w->pg)
		*w = (struct watch){
			.uffd = { .kind = OP_POLL, .done = uffd_ready },
			.agent = { .kind = OP_POLL, .done = agent_ready },
			.pg = pg,
			.busy = busy,
			.id = sp->id,
		};
	if (!w->uffd_armed) {
		store_poll(pg->worker.store, &w->uffd, sp->uffd);
		w->uffd_armed = true;
		sp->worker.readable = true;
	}
	if (!w->agent_armed && agent_present(&sp->agent)) {
		store_poll(pg->worker.store, &w->agent, sp->agent.event_fd);
		w->agent_armed = true;
		pool_register(pg, sp);
	}
}

void watch_disarm(struct watch *w)
{
	if (w->uffd_armed)
		store_poll_cancel(w->pg->worker.store, &w->uffd);
	if (w->agent_armed)
		store_poll_cancel(w->pg->worker.store, &w->agent);
}
