/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STAGING_H
#define UPAGER_STAGING_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "agent/agent_abi.h"
#include "agent/bare.h"
#include "base/types.h"
#include "kernel/uffd.h"

/* What the agent does with staging, inside the target; agent_abi.h has the order. */

#define EVENT_UNREAD_WAIT_NS 100000

struct agent {
	struct agent_ctl *ctl;
	bool unlocked; /* staging was tried to be unlocked during this batch */
	bool locked; /* staging was locked during this batch */
};

INSIDE uint64_t page_bytes(uint32_t nr_pages)
{
	return (uint64_t)nr_pages << PAGE_SHIFT;
}

INSIDE uint64_t page_mask(uint32_t first, uint32_t nr_pages)
{
	uint64_t bits = nr_pages >= 64 ? ~0ULL : (1ULL << nr_pages) - 1;

	return bits << first;
}

INSIDE uint64_t staging_addr(const struct agent *ag, uint32_t page)
{
	return ag->ctl->staging + page_bytes(page);
}

/* The hold handshake: busy is set when it returns. */
INSIDE void busy_begin(struct agent_ctl *ctl)
{
	for (;;) {
		uint32_t held;

		atomic_store(&ctl->busy, 1);
		held = atomic_load(&ctl->hold);
		if (!held)
			break;
		atomic_store(&ctl->busy, 0);
		futex_wait(&ctl->hold, held);
	}
}

INSIDE void busy_end(struct agent_ctl *ctl)
{
	atomic_store(&ctl->busy, 0);
}

/* As ioctl() answers; how many pages were moved, in *moved. */
INSIDE long move_pages(const struct agent *ag, uint64_t to, uint64_t from, uint32_t nr_pages,
		       uint64_t mode, uint32_t *moved)
{
	struct uffdio_move mv;
	long ret;

	mv.dst = to;
	mv.src = from;
	mv.len = page_bytes(nr_pages);
	mv.mode = mode;
	mv.move = 0;
	ret = sys(SYS_ioctl, (uint64_t)ag->ctl->uffd, UFFDIO_MOVE, (uintptr_t)&mv, 0, 0);
	*moved = !ret				 ? nr_pages
		 : ret == -EAGAIN && mv.move > 0 ? (uint32_t)(mv.move >> PAGE_SHIFT)
						 : 0;
	return ret;
}

/* An event is unread: let the daemon come to its hold. */
INSIDE void wait_unread(struct agent_ctl *ctl)
{
	futex_wait_ns(&ctl->hold, 0, EVENT_UNREAD_WAIT_NS);
}

/*
 * mlockall() locks staging too, and MOVE takes pages from one locked VMA to
 * another.  Of a locked VMA MADV_COLD is refused; it raises no event.
 */
INSIDE void staging_unlock(struct agent *ag)
{
	if (sys(SYS_madvise, ag->ctl->staging, PAGE_SIZE, MADV_COLD, 0, 0) != -EINVAL)
		return;
	sys(SYS_munlock, ag->ctl->staging, page_bytes(ag->ctl->staging_pages), 0, 0, 0);
	ag->locked = true;
}

/*
 * Not while busy: with DONTNEED and FREE this waits until the daemon has read
 * the one REMOVE event, and the daemon waits for busy before it reads.  EINVAL
 * is a locked VMA.
 */
INSIDE void staging_advise(struct agent *ag, uint32_t first, uint32_t nr_pages, int advice)
{
	uint64_t addr = staging_addr(ag, first);

	if (sys(SYS_madvise, addr, page_bytes(nr_pages), (uint64_t)advice, 0, 0) != -EINVAL)
		return;
	staging_unlock(ag);
	sys(SYS_madvise, addr, page_bytes(nr_pages), (uint64_t)advice, 0, 0);
}

#endif
