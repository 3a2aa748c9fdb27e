// SPDX-License-Identifier: GPL-2.0-only
#include "life/sigbus.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "life/ask.h"

/* For the same page; about one in a tenth of a second. */
#define TIMES_MAX    16
#define MESSAGES_MAX 16

/* One of them by its place in the list, as long as that is the same. */
struct sigbus {
	int uffd;
	bool waits; /* a fault was read, and the signal may not have ended it */
	uint64_t addr;
	uint32_t times;
};

static struct sigbus *entry_of(struct housekeeping *h, uint32_t i, int uffd)
{
	if (i >= h->sigbus_room) {
		uint32_t room = 2 * i + MESSAGES_MAX;
		struct sigbus *more = reallocarray(h->sigbus, room, sizeof(*more));

		if (!more)
			return NULL; /* it waits until there is memory */
		for (uint32_t k = h->sigbus_room; k < room; k++)
			more[k] = (struct sigbus){ .uffd = -1 };
		h->sigbus = more;
		h->sigbus_room = room;
	}
	if (h->sigbus[i].uffd != uffd)
		h->sigbus[i] = (struct sigbus){ .uffd = uffd };
	return &h->sigbus[i];
}

static struct proc *open_if_its(const struct pager *pg, int uffd, pid_t pid)
{
	char text[UPAGER_TEXT_BYTES];
	struct proc *p;

	if (pid <= 0 || proc_open(&p, pid, text))
		return NULL;
	if (ask_has_uffd(pg, uffd, p))
		return p;
	proc_close(p);
	return NULL;
}

/* The number of its thread is one of its own namespace, which is that of some program paged. */
static struct proc *find(const struct housekeeping *h, int uffd, uint32_t tid)
{
	struct proc *p = open_if_its(h->pg, uffd, proc_of_thread(tid, NULL));

	for (const struct proc *other = h->procs; other && !p; other = other->next)
		if (proc_is_elsewhere(other))
			p = open_if_its(h->pg, uffd, proc_of_thread(tid, other));
	return p;
}

static void give(struct housekeeping *h, const struct sigbus *sb, uint32_t tid)
{
	struct proc *p = find(h, sb->uffd, tid);
	int sig = sb->times > TIMES_MAX ? SIGKILL : SIGBUS;

	if (!p)
		return; /* a debugger's thread, or gone */
	if (sig == SIGKILL)
		log_warn("process %d, a forked child that cannot be served, does not end by "
			 "SIGBUS: it is killed",
			 p->pid);
	syscall(SYS_pidfd_send_signal, p->pidfd, sig, NULL, 0);
	proc_close(p);
}

/* Missing, not write-protected. */
static bool is_missing(const struct uffd_msg *msg)
{
	return msg->event == UFFD_EVENT_PAGEFAULT &&
	       !(msg->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP);
}

/* Whether somebody still is where one was the last time; others may be elsewhere. */
static void count(struct sigbus *sb, const struct uffd_msg *msg, int nr)
{
	int first = nr;

	for (int i = nr; i-- > 0;) {
		if (!is_missing(&msg[i]))
			continue;
		first = i;
		if (msg[i].arg.pagefault.address == sb->addr) {
			sb->times++;
			return;
		}
	}
	if (first == nr)
		return;
	sb->addr = msg[first].arg.pagefault.address;
	sb->times = 1;
}

static void answer(struct housekeeping *h, struct sigbus *sb, const struct uffd_msg *msg)
{
	const struct run page = { addr_pgno(msg->arg.pagefault.address), 1 };

	if (msg->event == UFFD_EVENT_FORK) {
		unserved_add(&h->pg->state.unserved, (int)msg->arg.fork.ufd);
	} else if (is_missing(msg)) {
		sb->waits = true;
		give(h, sb, msg->arg.pagefault.feat.ptid);
	} else if (msg->event == UFFD_EVENT_PAGEFAULT) {
		/* It is there; its parent was being evicted, without UFFDIO_MOVE, when it forked. */
		sb->waits |= uffd_write_protect(sb->uffd, page, false) != 0;
	}
}

static void look(struct housekeeping *h, struct sigbus *sb)
{
	struct uffd_msg msg[MESSAGES_MAX];
	int n;

	if (sb->waits) { /* it faults again, and is asked at the next look */
		sb->waits = false;
		uffd_wake_all(sb->uffd);
		return;
	}
	n = uffd_read(sb->uffd, msg, MESSAGES_MAX);
	count(sb, msg, n);
	for (int i = 0; i < n; i++)
		answer(h, sb, &msg[i]);
}

void sigbus_look_after(struct housekeeping *h)
{
	int uffd;

	for (uint32_t i = 0; unserved_at(&h->pg->state.unserved, i, &uffd); i++) {
		struct sigbus *sb = uffd < 0 ? NULL : entry_of(h, i, uffd);

		if (sb)
			look(h, sb);
		else if (i < h->sigbus_room)
			h->sigbus[i].uffd = -1; /* the next one there is another */
	}
}
