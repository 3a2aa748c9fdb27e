// SPDX-License-Identifier: GPL-2.0-only
#include "memory/space.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/probe.h"

#define BEHIND_KEPT 8

struct space *space_new(uint32_t id, int uffd, struct event_slot *events)
{
	struct space *sp = calloc(1, sizeof(*sp));

	if (!sp)
		return NULL;
	sp->id = id;
	sp->uffd = uffd;
	sp->process.pagemap_fd = sp->process.maps_fd = sp->process.task_dir_fd =
		sp->process.mem_fd = -1;
	sp->events = events;
	sp->standby.fd = -1;
	sp->agent.pidfd = sp->agent.event_fd = sp->agent.ctl_fd = -1;
	regions_init(&sp->locked.regions);
	regions_init(&sp->orders.born_with);
	regions_init(&sp->orders.born_doubted);
	pthread_mutex_init(&sp->lock, NULL);
	return sp;
}

static void close_valid(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void space_close_views(struct space *sp)
{
	close_valid(&sp->process.pagemap_fd);
	close_valid(&sp->process.maps_fd);
	close_valid(&sp->process.task_dir_fd);
	close_valid(&sp->process.mem_fd);
}

void space_free(struct space *sp)
{
	struct new_agent *nc = sp->orders.new_agent;

	if (nc) { /* the space closed before the worker took it */
		agent_dismiss(&nc->agent);
		agent_fini(&nc->agent);
		standby_fini(&nc->standby);
		free(nc);
	}
	agent_fini(&sp->agent);
	standby_fini(&sp->standby);
	standby_part_free(sp->growth.offered);
	standby_part_free(sp->growth.shed);
	regions_fini(&sp->locked.regions);
	run_list_fini(&sp->locked.adopt);
	run_list_fini(&sp->locked.fetch);
	run_list_fini(&sp->orders.born_maps);
	regions_fini(&sp->orders.born_with);
	regions_fini(&sp->orders.born_doubted);
	exit_pages_fini(&sp->worker.exit_pages);
	close_valid(&sp->uffd);
	space_close_views(sp);
	pthread_mutex_destroy(&sp->lock);
	free(sp);
}

enum region_hint space_hint(struct space *sp, pgno_t n)
{
	enum region_hint hint = REGION_PLAIN;
	const struct region *r;

	if (!sp->orders.hinted)
		return hint;
	pthread_mutex_lock(&sp->lock);
	r = region_find(&sp->locked.regions, n);
	if (r)
		hint = r->hint;
	pthread_mutex_unlock(&sp->lock);
	return hint;
}

/* As far back as a read reaches ahead; the last few may be in use. */
void space_leave_behind(struct space *sp, pgno_t n)
{
	pgno_t end = n, first;

	end.v -= min_t(uint64_t, n.v, BEHIND_KEPT);
	first = end;
	first.v -= min_t(uint64_t, end.v, READAHEAD_MAX);

	policy_leave_behind(&sp->policy, first, end);
}

void space_latency(struct space *sp, pgno_t page, uint64_t begin_ns)
{
	uint64_t ns = clock_ns() - begin_ns;
	unsigned int bucket = ns ? 63u - (unsigned int)__builtin_clzll(ns) : 0;

	if (bucket >= UPAGER_HIST_BUCKETS)
		bucket = UPAGER_HIST_BUCKETS - 1;
	PROBE_3(fault, sp->process.pid, page.v << PAGE_SHIFT, ns);
	space_count(&sp->stats.latency_ns, ns);
	space_count(&sp->stats.latency_ns_log2[bucket], 1);
}
