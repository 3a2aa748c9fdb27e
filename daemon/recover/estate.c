// SPDX-License-Identifier: GPL-2.0-only
#include "recover/estate.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "recover/ward.h"

#define FD_MAX (1 << 24)

static int add(struct estate *es, int fd)
{
	if (fd < 0)
		return 0;
	if (fd <= STDERR_FILENO || fd >= FD_MAX)
		return -EBADMSG;
	if (es->nr == es->room) {
		uint32_t room = es->room ? 2 * es->room : 256;
		int *at = realloc(es->fd, room * sizeof(*at));

		if (!at)
			return -ENOMEM;
		es->fd = at;
		es->room = room;
	}
	es->fd[es->nr++] = fd;
	return 0;
}

static int add_space(struct estate *es, int uffd, const struct space_facts *facts)
{
	const int32_t fd[] = {
		uffd,
		facts->pool_fd,
		facts->ctl_fd,
		facts->event_fd,
		facts->maps_fd,
		facts->mem_fd,
		facts->agent_pidfd,
		facts->pagemap_fd,
		facts->task_dir_fd,
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fd) && !err; i++)
		err = add(es, fd[i]);
	return err;
}

/* Children whose events were read and not applied. */
static int add_events(struct estate *es, const struct event_slot *slot)
{
	int err = 0;

	for (uint32_t n = 0; n < EVENTS_BATCH && slot->msg[n].event && !err; n++)
		if (slot->msg[n].event == UFFD_EVENT_FORK)
			err = add(es, (int)slot->msg[n].arg.fork.ufd);
	return err;
}

int estate_list(struct estate *es, const struct pager *pg)
{
	const struct state_header *h = pg->state.header;
	int err;

	*es = (struct estate){ 0 };
	err = add(es, h->lock_fd);
	if (!err)
		err = add(es, h->listen_fd);
	for (uint32_t i = 0; i < h->nr_areas && !err; i++)
		err = h->area[i].kind == STATE_AREA_GONE ? 0 : add(es, h->area[i].fd);
	for (uint32_t i = 0; i < pg->state.unserved.list->nr && !err; i++)
		err = add(es, pg->state.unserved.list->uffd[i]);
	for (uint32_t id = 1; id < h->nr_ids && !err; id++) {
		const struct space_record *rec = &pg->state.records[id];

		if (ward_uffd(pg, id) < 0)
			continue;
		err = rec->uffd < 0 ? add(es, rec->ward)
				    : add_space(es, rec->uffd, space_record_facts(rec));
		if (!err)
			err = add_events(es, &pg->state.events[id]);
	}
	return err;
}

bool estate_has(const struct estate *es, int fd)
{
	for (uint32_t i = 0; i < es->nr; i++)
		if (es->fd[i] == fd)
			return true;
	return false;
}
