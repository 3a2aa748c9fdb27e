// SPDX-License-Identifier: GPL-2.0-only
#include "life/housekeeping.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/meminfo.h"

void housekeeping_init(struct housekeeping *h, struct pager *pg, uint64_t limit_bytes,
		       const struct quotas *quotas)
{
	*h = (struct housekeeping){
		.pg = pg,
		.memory_bytes = meminfo_bytes("MemTotal:"),
		.limit_pages = limit_bytes / PAGE_SIZE,
		.quotas = *quotas,
		.ends_fd = epoll_create1(EPOLL_CLOEXEC),
	};
}

void housekeeping_fini(struct housekeeping *h)
{
	free(h->claims);
	free(h->sigbus);
	close(h->ends_fd);
}

struct proc *housekeeping_find(const struct housekeeping *h, pid_t pid)
{
	for (struct proc *p = h->procs; p; p = p->next)
		if (p->pid == pid && !p->exited)
			return p;
	return NULL;
}

void housekeeping_add(struct housekeeping *h, struct proc *p)
{
	char name[16];
	pid_t parent_pid;

	snprintf(name, sizeof(name), "%d", p->pid);
	proc_birth(name, &parent_pid, &p->born_ticks);
	p->since_ns = clock_ns();
	p->next = h->procs;
	h->procs = p;
	housekeeping_watch(h, p->pidfd);
	h->roster_changed = true;
}

void housekeeping_unlink(struct housekeeping *h, struct proc *p)
{
	struct proc **at = &h->procs;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	h->roster_changed = true;
}

void housekeeping_watch(struct housekeeping *h, int pidfd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };

	/* If it cannot be, or is, watched already: it is looked at anyway, later. */
	epoll_ctl(h->ends_fd, EPOLL_CTL_ADD, pidfd, &event);
}
