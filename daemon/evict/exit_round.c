// SPDX-License-Identifier: GPL-2.0-only
#include "evict/exit_round.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "fault/fault.h"
#include "kernel/present.h"
#include "memory/page.h"

/* One look, and the part of the time that all of them may take. */
#define LOOK_NS	   (100 * NS_PER_US)
#define LOOK_SHARE 16
#define LOOK_STEPS 8
/* For what was asked back to come. */
#define AGAIN_NS   NS_PER_MS

/*
 * struct pthread of glibc holds the tid word 16 bytes before the head that is
 * registered; other libraries keep the two in one structure as well.
 */
#define AROUND_HEAD_BYTES 64

#define USER_END (1ULL << 47)

static bool is_out(struct page p)
{
	return p.state == PAGE_DETACHING || p.state == PAGE_STANDBY || p.state == PAGE_SWAPPED;
}

static bool hold_page(struct pager *pg, struct space *sp, pgno_t n)
{
	struct exit_pages *ep = &sp->worker.exit_pages;
	struct page_stamp *s = page_stamps_set(&ep->pages, n, ep->round, ep->since);

	if (!s)
		return false;
	if (!is_out(page_read(pg, sp, n))) {
		s->asked = false;
		return true;
	}
	ep->again = true;
	if (!s->asked)
		s->asked = fault_ask(pg, sp, n);
	return true;
}

/* Addresses and lengths are the program's: they may be anything.  False: no memory. */
static bool hold(struct pager *pg, struct space *sp, uint64_t addr, uint64_t bytes)
{
	pgno_t first = addr_pgno(addr), last = addr_pgno(addr + bytes - 1);

	if (addr >= USER_END || addr + bytes > USER_END)
		return true;
	return hold_page(pg, sp, first) && (first.v == last.v || hold_page(pg, sp, last));
}

/* Bytes of one page, if they are to be had without waiting for anybody. */
static bool read_page(struct pager *pg, struct space *sp, uint64_t addr, void *to, size_t bytes)
{
	pgno_t n = addr_pgno(addr);
	struct page p = page_read(pg, sp, n);
	uint64_t bits[PRESENT_MAX / 64];

	if (p.state == PAGE_STANDBY) {
		memcpy(to, standby_data(&sp->standby, p.place) + (addr & ~PAGE_MASK), bytes);
		return true;
	}
	if (is_out(p)) {
		sp->worker.exit_pages.cut = true;
		return false;
	}
	/* It may be anybody's memory, where who has to fill it takes his time. */
	if (p.state != PAGE_RESIDENT &&
	    (present_read(sp->process.pagemap_fd, (struct run){ n, 1 }, bits) || !(bits[0] & 1)))
		return false;
	/* EIO at once where it has gone meanwhile. */
	return pread(sp->process.mem_fd, to, bytes, (off_t)addr) == (ssize_t)bytes;
}

static bool read_words(struct pager *pg, struct space *sp, uint64_t addr, void *to, size_t bytes)
{
	size_t first = min_t(size_t, bytes, PAGE_SIZE - (addr & ~PAGE_MASK));

	if (addr >= USER_END - bytes)
		return false;
	return read_page(pg, sp, addr, to, first) &&
	       (first == bytes ||
		read_page(pg, sp, addr + first, (char *)to + first, bytes - first));
}

/* Bit 0 of an entry's address says that its mutex inherits priorities. */
static uint64_t entry_addr(uint64_t entry)
{
	return entry & ~1ULL;
}

/* False: no memory. */
static bool follow(struct pager *pg, struct space *sp)
{
	struct exit_pages *ep = &sp->worker.exit_pages;
	uint64_t entry = entry_addr(ep->walk.entry);

	ep->walk.left--;
	if (entry == ep->walk.head) {
		ep->walk.left = 0;
		return true;
	}
	/* The kernel, too, goes no further than it can read. */
	if (!read_words(pg, sp, entry, &ep->walk.entry, sizeof(ep->walk.entry)))
		ep->walk.left = 0;
	return hold(pg, sp, entry, sizeof(entry)) &&
	       hold(pg, sp, entry + ep->walk.offset, sizeof(uint32_t));
}

static bool begin_thread(struct pager *pg, struct space *sp, pid_t tid)
{
	struct exit_pages *ep = &sp->worker.exit_pages;
	uint64_t addr = threads_robust_head(tid);
	struct {
		uint64_t entry, offset, pending;
	} head;

	if (!addr)
		return true;
	if (!hold(pg, sp, addr - AROUND_HEAD_BYTES, 2 * AROUND_HEAD_BYTES))
		return false;
	if (!read_words(pg, sp, addr, &head, sizeof(head)))
		return true;
	ep->walk.head = addr;
	ep->walk.entry = head.entry;
	ep->walk.offset = head.offset;
	ep->walk.left = ROBUST_LIST_LIMIT;
	return !head.pending ||
	       hold(pg, sp, entry_addr(head.pending) + head.offset, sizeof(uint32_t));
}

/* A few microseconds' worth of a round; 0, 1 at its end, or -errno. */
static int step(struct pager *pg, struct space *sp)
{
	struct exit_pages *ep = &sp->worker.exit_pages;

	if (ep->walk.left)
		return follow(pg, sp) ? 0 : -ENOMEM;
	if (ep->next < ep->nr_tids)
		return begin_thread(pg, sp, ep->tid[ep->next++]) ? 0 : -ENOMEM;
	ep->nr_tids = threads_read(sp->process.task_dir_fd, false, ep->tid);
	ep->next = 0;
	return ep->nr_tids < 0 ? ep->nr_tids : !ep->nr_tids;
}

static void begin_round(struct space *sp)
{
	struct exit_pages *ep = &sp->worker.exit_pages;

	ep->nr_tids = threads_read(sp->process.task_dir_fd, true, ep->tid);
	ep->next = 0;
	ep->walk.left = 0;
	ep->again = false;
	ep->going = ep->nr_tids > 0;
	ep->known &= ep->going;
	if (!ep->cut)
		ep->since = ep->round;
	ep->cut = false;
	ep->round++;
}

/* Of this thread's: on a crowded machine what it has to wait is not its work. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Until the first round is made nothing can be evicted, so there is no rest. */
static void go_on(struct pager *pg, struct space *sp, uint64_t now_ns)
{
	struct exit_pages *ep = &sp->worker.exit_pages;
	uint64_t begin_ns = cpu_ns(), spent_ns = 0;
	int ended = 0;

	while (!ended && spent_ns < LOOK_NS) {
		for (int n = 0; n < LOOK_STEPS && !ended; n++)
			ended = step(pg, sp);
		spent_ns = cpu_ns() - begin_ns;
	}
	if (ended) {
		ep->going = false;
		ep->known = ended > 0;
	}
	ep->rest_until_ns = ep->known ? now_ns + spent_ns * LOOK_SHARE : now_ns;
	if (ended && ep->again)
		ep->rest_until_ns = max_t(uint64_t, ep->rest_until_ns, now_ns + AGAIN_NS);
}

static void look(struct pager *pg, struct space *sp)
{
	struct exit_pages *ep = &sp->worker.exit_pages;
	uint64_t now_ns = clock_ns();

	if (now_ns < ep->rest_until_ns)
		return;
	if (!ep->going)
		begin_round(sp);
	if (ep->going)
		go_on(pg, sp, now_ns);
}

bool exit_round_look(struct pager *pg, struct space *sp)
{
	struct exit_pages *ep = &sp->worker.exit_pages;

	look(pg, sp);
	/* What is posted now is looked after when it is settled. */
	ep->again = true;
	return ep->known;
}

uint64_t exit_round_look_after(struct pager *pg, struct space *sp)
{
	struct exit_pages *ep = &sp->worker.exit_pages;

	if (sp->phase != SPACE_LIVE || sp->orders.gone || sp->worker.events_waiting)
		return 0;
	/* The last batch's end has us come by. */
	if (!ep->going && (!ep->again || agent_pending(&sp->agent)))
		return 0;
	look(pg, sp);
	return ep->going || ep->again ? ep->rest_until_ns : 0;
}
