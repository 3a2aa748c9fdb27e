/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_AGENT_PAGER_H
#define UPAGER_SELFTESTS_AGENT_PAGER_H

#include <linux/futex.h>
#include <pthread.h>

#include "kernel/uffd.h"
#include "selftests/agent/inject_lib.h"

/*
 * The daemon's side of an agent in its simplest form, for one range of one
 * program (and its forked children): a thread that serves faults and events by
 * the hold handshake, and functions that post batches.
 */

#define PAGER_PAGES    4096
#define PAGER_CHILDREN 4

#define EVENTS                                                                            \
	(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | \
	 UFFD_FEATURE_EVENT_UNMAP)

enum where {
	IN_MEMORY, /* or never touched: a fault gets zero */
	DETACHING, /* a fault waits */
	IN_POOL,
};

struct pager {
	struct session s;
	uint64_t base;
	uint32_t nr_pages;
	char *pool;
	pthread_t thread;
	pthread_mutex_t lock; /* where[], place[] */
	uint8_t where[PAGER_PAGES];
	uint32_t place[PAGER_PAGES];
	int child_uffd[PAGER_CHILDREN];
	_Atomic int nr_children;
	_Atomic int stopping;
	_Atomic int paused; /* events are left unread */
	_Atomic unsigned long nr_faults;
	_Atomic unsigned long nr_removes;
};

static inline void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static inline void pager_hold(struct pager *pg)
{
	atomic_store(&pg->s.ctl->hold, 1);
	while (atomic_load(&pg->s.ctl->busy))
		;
}

static inline void pager_release(struct pager *pg)
{
	atomic_store(&pg->s.ctl->hold, 0);
	futex_wake(&pg->s.ctl->hold);
}

/*
 * False: an event is unread, so the kernel fills nothing.  The waiter is woken
 * and faults again when the event was read.
 */
static inline bool pager_fill(struct pager *pg, int uffd, uint32_t page)
{
	struct run run = { .first = addr_pgno(pg->base + page * PAGE_SIZE), .nr_pages = 1 };
	const char *copy = pg->pool + (size_t)pg->place[page] * PAGE_SIZE;
	int err = 0;

	if (pg->where[page] == IN_POOL)
		err = uffd_copy(uffd, run, copy).error;
	else if (pg->where[page] == IN_MEMORY)
		err = uffd_zero(uffd, run).error;
	if (err == -EAGAIN) {
		uffd_wake(uffd, run);
		return false;
	}
	/* Children still need the copy. */
	if (pg->where[page] == IN_POOL && uffd == pg->s.res.uffd && !pg->nr_children)
		pg->where[page] = IN_MEMORY;
	return true;
}

static inline void pager_fault(struct pager *pg, int uffd, uint64_t addr)
{
	struct run run = { .first = addr_pgno(addr), .nr_pages = 1 };
	uint64_t page = (addr - pg->base) / PAGE_SIZE;

	pg->nr_faults++;
	if (addr < pg->base || page >= pg->nr_pages) {
		if (uffd_zero(uffd, run).error == -EAGAIN)
			uffd_wake(uffd, run);
		return;
	}
	pager_fill(pg, uffd, (uint32_t)page);
}

/* Everything is in memory again. */
static inline void pager_give_back(struct pager *pg)
{
	for (uint32_t i = 0; i < pg->nr_pages; i++) {
		bool done;

		do {
			pthread_mutex_lock(&pg->lock);
			done = pg->where[i] != IN_POOL || pager_fill(pg, pg->s.res.uffd, i);
			pthread_mutex_unlock(&pg->lock);
		} while (!done);
	}
}

static inline void pager_apply(struct pager *pg, int uffd, const struct uffd_msg *msg)
{
	uint64_t start, end;

	switch (msg->event) {
	case UFFD_EVENT_PAGEFAULT:
		pager_fault(pg, uffd, msg->arg.pagefault.address & PAGE_MASK);
		break;
	case UFFD_EVENT_FORK:
		pg->child_uffd[pg->nr_children++] = (int)msg->arg.fork.ufd;
		break;
	case UFFD_EVENT_REMOVE:
		pg->nr_removes++;
		start = msg->arg.remove.start;
		end = msg->arg.remove.end;
		for (uint32_t i = 0; i < pg->nr_pages; i++) {
			uint64_t addr = pg->base + i * PAGE_SIZE;

			/* A page being detached is dropped by the agent itself. */
			if (addr >= start && addr < end && pg->where[i] == IN_POOL)
				pg->where[i] = IN_MEMORY;
		}
		break;
	default:
		break;
	}
}

static inline void pager_read(struct pager *pg, int uffd, bool hold)
{
	struct uffd_msg msg[16];
	int n;

	/* What was read is applied before anything else is settled. */
	pthread_mutex_lock(&pg->lock);
	if (hold)
		pager_hold(pg);
	n = uffd_read(uffd, msg, ARRAY_SIZE(msg));
	/* Events before faults, as a daemon does. */
	for (int i = 0; i < n; i++) {
		if (msg[i].event != UFFD_EVENT_PAGEFAULT)
			pager_apply(pg, uffd, &msg[i]);
	}
	for (int i = 0; i < n; i++) {
		if (msg[i].event == UFFD_EVENT_PAGEFAULT)
			pager_apply(pg, uffd, &msg[i]);
	}
	if (hold)
		pager_release(pg);
	pthread_mutex_unlock(&pg->lock);
}

static inline void *pager_serve(void *arg)
{
	struct pager *pg = arg;

	while (!pg->stopping) {
		struct pollfd pfd[1 + PAGER_CHILDREN] = { { pg->s.res.uffd, POLLIN, 0 } };
		int nr = pg->nr_children;

		for (int i = 0; i < nr; i++)
			pfd[1 + i] = (struct pollfd){ pg->child_uffd[i], POLLIN, 0 };
		if (pg->paused) {
			sleep_ms(1);
			continue;
		}
		if (poll(pfd, (nfds_t)(1 + nr), 1) <= 0)
			continue;
		if (pfd[0].revents)
			pager_read(pg, pg->s.res.uffd, true);
		for (int i = 0; i < nr; i++) {
			if (pfd[1 + i].revents)
				pager_read(pg, pg->child_uffd[i], false);
		}
	}
	return NULL;
}

/* Attaches, registers the range and staging, and serves. */
static inline int pager_start(struct pager *pg, pid_t pid, uint64_t base, uint32_t nr_pages)
{
	int err;

	memset(pg, 0, sizeof(*pg));
	pthread_mutex_init(&pg->lock, NULL);
	pg->base = base;
	pg->nr_pages = nr_pages;
	err = session_attach(&pg->s, pid, false, EVENTS);
	if (err) {
		fprintf(stderr, "# %s\n", pg->s.res.cause);
		return err;
	}
	pg->pool = mmap(NULL, POOL_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			pg->s.pool_fd, 0);
	err = uffd_register(pg->s.res.uffd, base, nr_pages * PAGE_SIZE, false);
	if (!err)
		err = uffd_register(pg->s.res.uffd, pg->s.res.place.staging_addr,
				    pg->s.res.place.staging_bytes, false);
	return err ? err : -pthread_create(&pg->thread, NULL, pager_serve, pg);
}

/* The agent may still wait for an event to be read: serve until it is gone. */
static inline int pager_end(struct pager *pg)
{
	struct inject_result *res = &pg->s.res;
	int err;

	pager_give_back(pg);
	err = uffd_unregister(res->uffd, pg->base, pg->nr_pages * PAGE_SIZE);
	if (!err)
		err = uffd_unregister(res->uffd, res->place.staging_addr, res->place.staging_bytes);
	if (!err)
		err = inject_remove(pg->s.pid, res->agent_pid, res->agent_pidfd, &res->place,
				    res->cause);
	pg->stopping = 1;
	pthread_join(pg->thread, NULL);
	for (int i = 0; i < pg->nr_children; i++)
		close(pg->child_uffd[i]);
	munmap(pg->pool, POOL_PAGES * PAGE_SIZE);
	session_close(&pg->s);
	return err;
}

/*
 * Adds a run of a batch that is being put together.  Pool places of a batch
 * follow each other from its slot's half of the pool on.
 */
static inline void pager_add_run(struct pager *pg, uint32_t first, uint32_t nr_pages)
{
	uint32_t slot = atomic_load(&pg->s.ctl->posted) % AGENT_BATCHES;
	struct agent_batch *batch = &pg->s.ctl->batch[slot];
	struct agent_run *run = &batch->run[batch->nr_runs];
	uint32_t used = batch->nr_runs
				? run[-1].staging_first + run[-1].nr_pages - batch->staging_first
				: 0;

	batch->staging_first = slot * AGENT_BATCH_PAGES;
	batch->staging_pages = AGENT_BATCH_PAGES;
	*run = (struct agent_run){
		.addr = pg->base + first * PAGE_SIZE,
		.nr_pages = nr_pages,
		.staging_first = batch->staging_first + used,
		.pool_first = slot * (POOL_PAGES / AGENT_BATCHES) + used,
	};
	batch->nr_runs++;
	pthread_mutex_lock(&pg->lock);
	for (uint32_t i = 0; i < nr_pages; i++)
		pg->where[first + i] = DETACHING;
	pthread_mutex_unlock(&pg->lock);
}

static inline void pager_post(struct pager *pg, enum agent_mode mode)
{
	struct agent_batch *batch =
		&pg->s.ctl->batch[atomic_load(&pg->s.ctl->posted) % AGENT_BATCHES];

	batch->mode = mode;
	batch->unheld = 1;
	atomic_store(&batch->phase, AGENT_POSTED);
	atomic_fetch_add(&pg->s.ctl->posted, 1);
	futex_wake(&pg->s.ctl->posted);
}

/* Waits until @done batches are done and the last of them is settled; NULL after 5 s. */
static inline const struct agent_batch *pager_wait(struct pager *pg, uint32_t done)
{
	struct agent_batch *batch = &pg->s.ctl->batch[(done - 1) % AGENT_BATCHES];
	uint64_t count, deadline = now_ns() + 5000000000ULL;
	struct pollfd pfd = { .fd = pg->s.event_fd, .events = POLLIN };

	while (atomic_load(&pg->s.ctl->done) < done) {
		if (now_ns() > deadline)
			return NULL;
		if (poll(&pfd, 1, 1) > 0 && read(pg->s.event_fd, &count, sizeof(count)) < 0)
			return NULL;
	}
	pthread_mutex_lock(&pg->lock);
	for (uint32_t i = 0; i < batch->nr_runs; i++) {
		const struct agent_run *run = &batch->run[i];
		uint64_t first = (run->addr - pg->base) / PAGE_SIZE;

		for (uint32_t page = 0; page < run->nr_pages; page++) {
			bool moved = run->moved >> page & 1;

			pg->where[first + page] = moved ? IN_POOL : IN_MEMORY;
			pg->place[first + page] = run->pool_first + page;
		}
		uffd_wake(pg->s.res.uffd, (struct run){ addr_pgno(run->addr), run->nr_pages });
	}
	pthread_mutex_unlock(&pg->lock);
	batch->nr_runs = 0;
	return batch;
}

#endif
