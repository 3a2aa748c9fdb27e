// SPDX-License-Identifier: GPL-2.0-only
#include "recover/ward.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/uffd.h"
#include "pager.h"
#include "recover/statefile.h"

int ward_uffd(const struct pager *pg, uint32_t id)
{
	const struct space_record *rec = &pg->state.records[id];

	return rec->uffd >= 0 ? rec->uffd : rec->ward ? rec->ward : -1;
}

static uint32_t find(const struct pager *pg, int uffd)
{
	for (uint32_t id = 1; id < pg->state.header->nr_ids; id++)
		if (pg->state.records[id].ward == uffd)
			return id;
	return 0;
}

static bool is_space(const struct pager *pg, int uffd)
{
	for (uint32_t id = 1; id < pg->state.header->nr_ids; id++)
		if (pg->state.records[id].uffd == uffd)
			return true;
	return false;
}

/* 0: there is none, or no room for what is of it. */
static uint32_t free_id(struct pager *pg)
{
	uint32_t id, nr_ids = pg->state.header->nr_ids;

	for (id = 1; id < nr_ids; id++)
		if (ward_uffd(pg, id) < 0)
			return id;
	if (id >= SPACES_MAX ||
	    statefile_populate(&pg->state.events[id], sizeof(struct event_slot)) ||
	    statefile_populate(&pg->state.records[id], sizeof(struct space_record)))
		return 0;
	pg->state.records[id].uffd = -1;
	pg->state.header->nr_ids = id + 1;
	return id;
}

static void take(struct pager *pg, int uffd)
{
	uint32_t id;

	if (find(pg, uffd) || is_space(pg, uffd) || unserved_has(&pg->state.unserved, uffd))
		return;
	id = free_id(pg);
	if (!id)
		return;
	memset(&pg->state.events[id], 0, sizeof(pg->state.events[id]));
	pg->state.records[id].map_changes = 0;
	pg->state.records[id].hinted = 0;
	pg->state.records[id].asked_bytes = 0;
	pg->state.records[id].ward = uffd;
}

void wards_take(struct pager *pg, const struct event_slot *slot)
{
	for (uint32_t n = 0; n < EVENTS_BATCH && slot->msg[n].event; n++)
		if (slot->msg[n].event == UFFD_EVENT_FORK)
			take(pg, (int)slot->msg[n].arg.fork.ufd);
}

static bool has_forks(const struct event_slot *slot)
{
	for (uint32_t n = 0; n < EVENTS_BATCH && slot->msg[n].event; n++)
		if (slot->msg[n].event == UFFD_EVENT_FORK)
			return true;
	return false;
}

/* Nobody will ever ask what it was forked with. */
static bool is_over(struct pager *pg, int uffd)
{
	uint32_t id = find(pg, uffd);

	return id && uffd_alive(uffd) == -ESRCH && !has_forks(&pg->state.events[id]);
}

void wards_forget(struct pager *pg, struct event_slot *slot)
{
	uint32_t to = 0, n = 0;

	for (; n < EVENTS_BATCH && slot->msg[n].event; n++) {
		int uffd = (int)slot->msg[n].arg.fork.ufd;

		if (slot->msg[n].event == UFFD_EVENT_FORK && is_over(pg, uffd)) {
			pg->state.records[find(pg, uffd)].ward = 0;
			close(uffd);
			continue;
		}
		slot->msg[to++] = slot->msg[n];
	}
	for (; to < n; to++)
		slot->msg[to].event = 0;
}

uint32_t ward_find(const struct pager *pg, int uffd)
{
	/* Without one, as nearly always, no fork pays for them. */
	return pg->state.nr_wards && uffd >= 0 ? find(pg, uffd) : 0;
}

void ward_end(struct pager *pg, uint32_t id)
{
	if (!pg->state.records[id].ward)
		return;
	pg->state.records[id].ward = 0;
	pg->state.nr_wards--;
	uffd_wake_all(pg->state.records[id].uffd);
}

bool ward_refuse(struct pager *pg, int uffd)
{
	uint32_t id = ward_find(pg, uffd);
	const struct uffd_msg *msg = pg->state.events[id].msg;
	bool moved = false;

	for (uint32_t n = 0; id && n < EVENTS_BATCH && msg[n].event; n++) {
		moved |= msg[n].event == UFFD_EVENT_REMAP;
		if (msg[n].event != UFFD_EVENT_FORK)
			continue;
		/* Each before what tells of it goes: another daemon may have to go on. */
		if (ward_refuse(pg, (int)msg[n].arg.fork.ufd))
			unserved_add(&pg->state.unserved, (int)msg[n].arg.fork.ufd);
	}
	if (moved)
		unserved_add(&pg->state.unserved, uffd);
	if (id) {
		pg->state.records[id].ward = 0;
		pg->state.nr_wards--;
	}
	return !moved;
}
