// SPDX-License-Identifier: GPL-2.0-only
#include "event/refuse.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "memory/page.h"
#include "recover/ward.h"

#define MESSAGES_MAX 16
/* Between its events, in all: it must not keep others waiting. */
#define PAUSE_NS     (50 * NS_PER_US)
#define PAUSES_MAX   40

struct refusal {
	struct pager *pg;
	int uffd;
	uint32_t pauses;
};

static bool is_outside(uint64_t entry)
{
	enum page_state state = page_entry_state(entry);

	return state != PAGE_VIRGIN && state != PAGE_RESIDENT;
}

/*
 * It runs already.  Its faults wait until all is done, and what it unmaps is
 * lost to it.  False: it is not where its parent's tables say any more.
 */
static bool read_on(struct refusal *r)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct uffd_msg msg[MESSAGES_MAX];
	bool same = true;
	int n = uffd_read(r->uffd, msg, MESSAGES_MAX);

	for (int i = 0; i < n; i++) {
		if (msg[i].event == UFFD_EVENT_FORK)
			unserved_add(&r->pg->state.unserved, (int)msg[i].arg.fork.ufd);
		same &= msg[i].event != UFFD_EVENT_REMAP;
	}
	if (!n)
		nanosleep(&pause, NULL); /* the kernel has not gone on yet */
	return same && n >= 0 && r->pauses++ < PAUSES_MAX;
}

/* 0: nothing of it can be read as something else; -ESRCH. */
static int poison(struct refusal *r, struct run run)
{
	while (run.nr_pages) {
		struct uffd_fill fill = uffd_poison(r->uffd, run);
		uint32_t done = fill.filled;

		if (fill.error == -EEXIST || fill.error == -ENOENT)
			done++; /* it has that page, or has not got it from its parent */
		else if (fill.error == -EAGAIN ? !read_on(r) : fill.error)
			return fill.error;
		run.first = pgno_add(run.first, done);
		run.nr_pages -= done;
	}
	return 0;
}

static int poison_leaf(struct refusal *r, const uint64_t *leaf, pgno_t base)
{
	uint32_t end;
	int err = 0;

	for (uint32_t i = 0; i < TABLE_ENTRIES && !err; i = end + 1) {
		for (end = i; end < TABLE_ENTRIES && is_outside(leaf[end]);)
			end++;
		err = poison(r, (struct run){ pgno_add(base, i), end - i });
	}
	return err;
}

static int poison_all(struct refusal *r, const struct space *parent)
{
	static const pgno_t end = { 1ULL << (TABLE_BITS * TABLE_LEVELS - 1) };
	const uint64_t *leaf;
	pgno_t n = { 0 }, base;
	int err = r->pg->caps.poison ? 0 : -EOPNOTSUPP;

	while (!err &&
	       (leaf = table_next_leaf(r->pg->tables, parent->worker.root, n, end, &base))) {
		err = poison_leaf(r, leaf, base);
		n = pgno_add(base, TABLE_ENTRIES);
	}
	return err;
}

void refuse_child(struct pager *pg, const struct space *parent, int child_uffd)
{
	struct refusal r = { .pg = pg, .uffd = child_uffd };
	int err;

	if (!ward_refuse(pg, child_uffd))
		return;
	err = poison_all(&r, parent);
	if (err && err != -ESRCH)
		unserved_add(&pg->state.unserved, child_uffd);
	else
		pg->worker.refused[pg->worker.nr_refused++] = child_uffd;
}

void refuse_finish(struct pager *pg)
{
	while (pg->worker.nr_refused)
		close(pg->worker.refused[--pg->worker.nr_refused]); /* which wakes who waits */
}
