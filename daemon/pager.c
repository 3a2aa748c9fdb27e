// SPDX-License-Identifier: GPL-2.0-only
#include "pager.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "recover/statefile.h"

_Static_assert(STATE_AREAS == AREAS_MAX, "one place for each");

/* Room is made for so many at a time. */
#define SPACES_STEP 64u

/* Before anybody can know of an id in it. */
static int make_room(struct pager *pg, uint32_t nr_used)
{
	int err = statefile_populate(pg->state.events + pg->state.nr_room,
				     SPACES_STEP * sizeof(*pg->state.events));

	if (!err)
		err = statefile_populate(pg->state.records + pg->state.nr_room,
					 SPACES_STEP * sizeof(*pg->state.records));
	if (err)
		return err;
	for (uint32_t i = 0; i < SPACES_STEP; i++, pg->state.nr_room++)
		if (pg->state.nr_room >= nr_used)
			pg->state.records[pg->state.nr_room].uffd = -1;
	return 0;
}

int pager_map_state(struct pager *pg)
{
	int dir_fd = pg->state_dir_fd;
	bool old = pg->state.inherited;
	uint32_t nr_used = old ? pg->state.header->nr_ids : 0;
	void *map;
	int err;

	err = statefile_map(dir_fd, "events", SPACES_MAX * sizeof(*pg->state.events), false, old,
			    &map);
	if (err)
		return err;
	pg->state.events = map;
	err = statefile_map(dir_fd, "posts", SPACES_MAX * sizeof(*pg->state.posts), false, old,
			    &map);
	if (err)
		return err;
	pg->state.posts = map;
	err = statefile_map(dir_fd, "hints", SPACES_MAX * sizeof(*pg->state.hints), false, old,
			    &map);
	if (err)
		return err;
	pg->state.hints = map;
	err = statefile_map(dir_fd, "spaces", SPACES_MAX * sizeof(*pg->state.records), false, old,
			    &map);
	if (err)
		return err;
	pg->state.records = map;
	do {
		err = make_room(pg, nr_used);
	} while (!err && pg->state.nr_room < nr_used);
	if (err)
		return err;
	return unserved_map(&pg->state.unserved, dir_fd, old);
}

struct agent_posts *pager_posts(struct pager *pg, uint32_t id)
{
	struct agent_posts *posts = &pg->state.posts[id];

	/* Who touches what there is no room for dies of SIGBUS. */
	return madvise(posts, sizeof(*posts), MADV_POPULATE_WRITE) ? NULL : posts;
}

struct hint_record *pager_hints(struct pager *pg, uint32_t id)
{
	struct hint_record *rec = &pg->state.hints[id];

	if (statefile_populate(rec, sizeof(*rec)))
		return NULL;
	hint_record_clear(rec);
	pg->state.records[id].hinted = 1;
	return rec;
}

void pager_spares_refill(struct pager *pg)
{
	pthread_mutex_lock(&pg->lock);
	for (uint32_t i = 0; i < SPARES_MAX; i++)
		if (pg->spare_fd[i] <= 0)
			pg->spare_fd[i] = fcntl(pg->worker_fd, F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&pg->lock);
}

bool pager_spare_use(struct pager *pg)
{
	bool used = false;

	pthread_mutex_lock(&pg->lock);
	for (uint32_t i = 0; i < SPARES_MAX && !used; i++) {
		used = pg->spare_fd[i] > 0;
		if (used)
			close(pg->spare_fd[i]);
		if (used)
			pg->spare_fd[i] = 0;
	}
	pthread_mutex_unlock(&pg->lock);
	return used;
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

void pager_kick_housekeeping(struct pager *pg)
{
	kick(pg->housekeeping_fd);
}

/* With nothing in its slot; 0: there is none, or no room for it. */
static uint32_t free_id(struct pager *pg)
{
	for (uint32_t id = 1; id < SPACES_MAX; id++) {
		bool room = id < pg->state.nr_room;

		if (pg->space[id] || (room && pg->state.records[id].ward))
			continue;
		if (!room && make_room(pg, 0))
			return 0;
		memset(&pg->state.events[id], 0, sizeof(pg->state.events[id]));
		pg->state.records[id].map_changes = 0;
		pg->state.records[id].hinted = 0;
		return id;
	}
	return 0;
}

struct space *pager_add_space(struct pager *pg, int uffd, uint32_t id)
{
	struct space *sp;

	pthread_mutex_lock(&pg->lock);
	if (!id)
		id = free_id(pg);
	sp = id ? space_new(id, uffd, &pg->state.events[id]) : NULL;
	if (sp) {
		sp->worker.events_waiting = sp->events->msg[0].event;
		__atomic_store_n(&pg->space[id], sp, __ATOMIC_RELEASE);
		if (id >= pg->nr_ids)
			pg->nr_ids = id + 1;
		if (pg->state.header && pg->state.header->nr_ids < pg->nr_ids)
			pg->state.header->nr_ids = pg->nr_ids;
	}
	pthread_mutex_unlock(&pg->lock);
	return sp;
}

bool pager_is_agent(const struct pager *pg, pid_t pid)
{
	for (uint32_t id = 1; id < pg->nr_ids; id++) {
		const struct space *sp = pg->space[id];

		if (!sp)
			continue;
		/* In that order: the worker takes the new one before it says so. */
		if (sp->orders.new_agent ? sp->orders.new_agent_pid == pid
					 : sp->agent.ctl && sp->agent.pid == pid)
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

/* ag: the agent that is to be found, the worker's or one that it has not taken yet. */
static void record(struct pager *pg, struct space *sp, const struct agent *ag)
{
	struct space_record *rec = &pg->state.records[sp->id];
	bool agent = ag->ctl;
	uint32_t next;

	pthread_mutex_lock(&pg->record_lock);
	next = !(rec->current & 1);
	pthread_mutex_lock(&sp->lock);
	rec->facts[next] = (struct space_facts){
		.pool_fd = sp->standby.fd,
		.pool_places = sp->standby.nr_places,
		.ctl_fd = agent ? ag->ctl_fd : -1,
		.event_fd = agent ? ag->event_fd : -1,
		.agent_pidfd = agent ? ag->pidfd : -1,
		.pagemap_fd = sp->process.pagemap_fd,
		.maps_fd = sp->process.maps_fd,
		.task_dir_fd = sp->process.task_dir_fd,
		.mem_fd = sp->process.mem_fd,
		.pid = sp->process.pid,
		.agent_pid = ag->pid,
		.root = sp->worker.root.v,
		.parent_id = sp->parent_id,
		.lineage = sp->worker.lineage,
		.forked = sp->phase == SPACE_FORKED,
		.by_itself = sp->process.by_itself,
		.family = sp->locked.terms.family,
		.weight = sp->locked.terms.weight,
		.asked_by = sp->locked.terms.asked_by,
		.parent_pid = sp->process.parent_pid,
		.parent_changes = sp->orders.parent_changes,
		.budget_bytes = sp->locked.terms.budget_bytes,
		.budget_pages = sp->orders.budget_pages,
		.place = ag->place,
	};
	pthread_mutex_unlock(&sp->lock);
	failpoint(FP_RECORD_WRITTEN);
	rec->current = next;
	rec->uffd = sp->uffd;
	pthread_mutex_unlock(&pg->record_lock);
}

void pager_record_space(struct pager *pg, struct space *sp)
{
	record(pg, sp, &sp->agent);
}

void pager_record_agent(struct pager *pg, struct space *sp, const struct agent *ag)
{
	record(pg, sp, ag);
}

void pager_close_space(struct pager *pg, struct space *sp)
{
	pthread_mutex_lock(&pg->lock);
	pg->state.records[sp->id].uffd = -1;
	__atomic_store_n(&pg->space[sp->id], NULL, __ATOMIC_RELEASE);
	while (pg->nr_ids && !pg->space[pg->nr_ids - 1])
		pg->nr_ids--;
	sp->next_closed = pg->closed;
	pg->closed = sp;
	pthread_mutex_unlock(&pg->lock);
	pager_kick_housekeeping(pg);
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
