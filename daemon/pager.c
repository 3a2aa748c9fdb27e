// SPDX-License-Identifier: GPL-2.0-only
#include "pager.h"

#include <string.h>
#include <unistd.h>

#include "recover/statefile.h"

int pager_map_state(struct pager *pg)
{
	void *map;
	int err;

	err = statefile_map_new(pg->state_dir_fd, "events", SPACES_MAX * sizeof(*pg->events), true,
				&map);
	if (err)
		return err;
	pg->events = map;
	err = statefile_map_new(pg->state_dir_fd, "spaces", SPACES_MAX * sizeof(*pg->records), true,
				&map);
	if (err)
		return err;
	pg->records = map;
	for (uint32_t id = 0; id < SPACES_MAX; id++)
		pg->records[id].uffd = -1;
	return 0;
}

static void kick(int event_fd)
{
	uint64_t one = 1;

	ssize_t n = write(event_fd, &one, sizeof(one));

	(void)n; /* EAGAIN: the counter is full, so the other side wakes anyway */
}

void pager_kick_worker(struct pager *pg)
{
	kick(pg->worker_fd);
}

void pager_kick_house(struct pager *pg)
{
	kick(pg->house_fd);
}

struct space *pager_add_space(struct pager *pg, int uffd)
{
	struct space *sp = NULL;

	pthread_mutex_lock(&pg->lock);
	for (uint32_t id = 1; id < SPACES_MAX; id++) {
		if (pg->space[id])
			continue;
		memset(&pg->events[id], 0, sizeof(pg->events[id]));
		sp = space_new(id, uffd, &pg->events[id]);
		__atomic_store_n(&pg->space[id], sp, __ATOMIC_RELEASE);
		if (sp && id >= pg->nr_ids)
			pg->nr_ids = id + 1;
		break;
	}
	pthread_mutex_unlock(&pg->lock);
	return sp;
}

bool pager_is_agent(const struct pager *pg, pid_t pid)
{
	for (uint32_t id = 1; id < pg->nr_ids; id++) {
		const struct space *sp = pg->space[id];

		if (sp && sp->agent.ctl && sp->agent.pid == pid)
			return true;
	}
	return false;
}

bool pager_has_spaces(const struct pager *pg)
{
	for (uint32_t id = 1; id < pg->nr_ids; id++)
		if (pg->space[id])
			return true;
	return false;
}

void pager_record_space(struct pager *pg, const struct space *sp)
{
	struct space_record *rec = &pg->records[sp->id];

	rec->pool_fd = sp->standby.fd;
	rec->ctl_fd = sp->agent.ctl ? sp->agent.ctl_fd : -1;
	rec->event_fd = sp->agent.ctl ? sp->agent.event_fd : -1;
	rec->pid = sp->pid;
	rec->agent_pid = sp->agent.pid;
	rec->root = sp->root.v;
	rec->parent_id = sp->parent_id;
	rec->budget_pages = sp->budget_pages;
	rec->staging_addr = sp->agent.place.staging_addr;
	rec->staging_bytes = sp->agent.place.staging_bytes;
	rec->uffd = sp->uffd;
}

void pager_close_space(struct pager *pg, struct space *sp)
{
	pthread_mutex_lock(&pg->lock);
	pg->records[sp->id].uffd = -1;
	__atomic_store_n(&pg->space[sp->id], NULL, __ATOMIC_RELEASE);
	sp->next_closed = pg->closed;
	pg->closed = sp;
	pthread_mutex_unlock(&pg->lock);
	pager_kick_house(pg);
}

struct space *pager_next_closed(struct pager *pg)
{
	struct space *sp;

	pthread_mutex_lock(&pg->lock);
	sp = pg->closed;
	if (sp)
		pg->closed = sp->next_closed;
	pthread_mutex_unlock(&pg->lock);
	return sp;
}
