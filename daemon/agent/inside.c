// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs inside a target: a process that shares the target's memory and
 * nothing else.  Position independent, no libc, no TLS, no constant data: only
 * immediates and the stack, so that its one section can be copied anywhere.
 */
#include "agent/dress.h"
#include "agent/entry.h"
#include "agent/inside.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/types.h"
#include "kernel/uffd.h"

#define EVENT_UNREAD_WAIT_NS 100000
#define POOL_RETRY_NS	     10000000

struct agent {
	struct agent_ctl *ctl;
	bool unlocked; /* staging was tried to be unlocked during this batch */
	bool locked; /* staging was locked during this batch */
};

/* Pages that lie side by side both in memory and in the pool. */
struct extent {
	uint64_t addr;
	uint64_t pool_offset;
	uint64_t bytes;
};

INSIDE uint64_t page_bytes(uint32_t nr_pages)
{
	return (uint64_t)nr_pages << PAGE_SHIFT;
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

/* True: a MOVE may be made, then busy_end().  False: cancelled or revoked. */
INSIDE bool move_begin(struct agent_ctl *ctl, const struct agent_batch *batch)
{
	busy_begin(ctl);
	if (!atomic_load(&ctl->cancel) && atomic_load(&batch->phase) == AGENT_POSTED)
		return true;
	busy_end(ctl);
	return false;
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
 * Not while busy: with events on this waits until the daemon has read the one
 * REMOVE event, and the daemon waits for busy before it reads.  EINVAL is a
 * locked VMA.
 */
INSIDE void staging_drop(struct agent *ag, uint32_t first, uint32_t nr_pages)
{
	uint64_t addr = staging_addr(ag, first);

	if (sys(SYS_madvise, addr, page_bytes(nr_pages), MADV_DONTNEED, 0, 0) != -EINVAL)
		return;
	staging_unlock(ag);
	sys(SYS_madvise, addr, page_bytes(nr_pages), MADV_DONTNEED, 0, 0);
}

INSIDE uint64_t page_mask(uint32_t first, uint32_t nr_pages)
{
	uint64_t bits = nr_pages >= 64 ? ~0ULL : (1ULL << nr_pages) - 1;

	return bits << first;
}

/* Pages that are in none of the masks at the end were not tried. */
INSIDE void move_run(struct agent *ag, const struct agent_batch *batch, struct agent_run *run)
{
	uint32_t nr_pages = run->nr_pages;
	uint32_t page = 0;
	uint32_t chunk = nr_pages;
	uint32_t unshared_to = 0;
	uint32_t emptied_to = 0;

	while (page < nr_pages) {
		struct uffdio_move mv;
		uint32_t moved;
		long ret;

		mv.dst = staging_addr(ag, run->staging_first + page);
		mv.src = run->addr + page_bytes(page);
		mv.len = page_bytes(chunk);
		mv.mode = UFFDIO_MOVE_MODE_DONTWAKE;
		mv.move = 0;
		if (!move_begin(ag->ctl, batch))
			return;
		ret = sys(SYS_ioctl, (uint64_t)ag->ctl->uffd, UFFDIO_MOVE, (uintptr_t)&mv, 0, 0);
		moved = !ret				? chunk
			: ret == -EAGAIN && mv.move > 0 ? (uint32_t)(mv.move >> PAGE_SHIFT)
							: 0;
		if (moved) /* while busy: under hold it must be exact */
			run->moved |= page_mask(page, moved);
		busy_end(ag->ctl);

		if (moved) {
			page += moved;
			chunk = nr_pages - page;
		} else if (ret == -EAGAIN) {
			/* An event is unread: let the daemon come to its hold. */
			futex_wait_ns(&ag->ctl->hold, 0, EVENT_UNREAD_WAIT_NS);
		} else if (ret == -EBUSY && page >= unshared_to) {
			/* May wait for a fault that the daemon serves: not while busy. */
			sys(SYS_madvise, mv.src, page_bytes(nr_pages - page), MADV_POPULATE_WRITE,
			    0, 0);
			unshared_to = nr_pages;
		} else if (ret == -EBUSY) {
			run->pinned |= page_mask(page, 1);
			page++;
			chunk = nr_pages - page;
		} else if (ret == -ENOENT) {
			run->gone |= page_mask(page, 1);
			page++;
			chunk = nr_pages - page;
		} else if (ret == -EEXIST && page >= emptied_to) {
			staging_drop(ag, run->staging_first + page, nr_pages - page);
			emptied_to = page + 1;
		} else if (ret == -EINVAL && chunk > 1) {
			/* The run may cross the border of two VMAs. */
			chunk /= 2;
		} else if (ret == -EINVAL && !ag->unlocked) {
			/* MOVE refuses a locked VMA beside an unlocked one. */
			staging_unlock(ag);
			ag->unlocked = true;
		} else {
			run->error = (int32_t)ret;
			return;
		}
	}
}

/* Bytes written, or the error of the first write that failed, in *error. */
INSIDE uint64_t pool_write(const struct agent *ag, const struct extent *ext, long *error)
{
	uint64_t done = 0;

	*error = 0;
	while (done < ext->bytes) {
		long n = sys(SYS_pwrite64, (uint64_t)ag->ctl->pool_fd, ext->addr + done,
			     ext->bytes - done, ext->pool_offset + done, 0);

		if (n <= 0) {
			*error = n ? n : -ENOSPC;
			break;
		}
		done += (uint64_t)n;
	}
	return done;
}

/*
 * What is in staging is the only copy: until the pool takes it nothing else is
 * done, and the program's faults on these pages wait.
 */
INSIDE void extent_save(const struct agent *ag, struct extent *ext, struct agent_run *last)
{
	while (ext->bytes) {
		long error;
		uint64_t done = pool_write(ag, ext, &error);

		ext->addr += done;
		ext->pool_offset += done;
		ext->bytes -= done;
		if (error) {
			last->error = (int32_t)error;
			futex_wait_ns(&ag->ctl->ready, 1, POOL_RETRY_NS);
		}
	}
}

INSIDE void batch_save(const struct agent *ag, struct agent_batch *batch)
{
	struct extent ext;

	ext.addr = 0;
	ext.pool_offset = 0;
	ext.bytes = 0;
	for (uint32_t i = 0; i < batch->nr_runs; i++) {
		struct agent_run *run = &batch->run[i];

		for (uint32_t page = 0; page < run->nr_pages; page++) {
			uint64_t addr = staging_addr(ag, run->staging_first + page);
			uint64_t offset = page_bytes(run->pool_first + page);

			if (!(run->moved & page_mask(page, 1)))
				continue;
			if (ext.bytes &&
			    (ext.addr + ext.bytes != addr || ext.pool_offset + ext.bytes != offset))
				extent_save(ag, &ext, run);
			if (!ext.bytes) {
				ext.addr = addr;
				ext.pool_offset = offset;
			}
			ext.bytes += PAGE_SIZE;
		}
	}
	if (ext.bytes)
		extent_save(ag, &ext, &batch->run[batch->nr_runs - 1]);
}

INSIDE void batch_report(struct agent *ag)
{
	uint64_t one = 1;

	atomic_fetch_add(&ag->ctl->done, 1);
	sys(SYS_write, (uint64_t)ag->ctl->event_fd, (uintptr_t)&one, sizeof(one), 0, 0);
}

INSIDE void batch_move(struct agent *ag, struct agent_batch *batch)
{
	uint32_t staging_first = batch->staging_first;
	uint32_t staging_pages = batch->staging_pages;
	bool any = false;

	staging_unlock(ag);
	ag->unlocked = false;
	ag->locked = false;
	for (uint32_t i = 0; i < batch->nr_runs; i++)
		move_run(ag, batch, &batch->run[i]);
	staging_unlock(ag);
	batch->locked = ag->locked;
	for (uint32_t i = 0; i < batch->nr_runs; i++)
		any |= batch->run[i].moved != 0;
	busy_begin(ag->ctl);
	if (atomic_load(&batch->phase) == AGENT_POSTED) {
		batch_save(ag, batch);
		atomic_store(&batch->phase, AGENT_COPIED);
	}
	batch_report(ag);
	busy_end(ag->ctl);
	/* Reported: the daemon may fill this batch anew while staging is dropped. */
	if (any)
		staging_drop(ag, staging_first, staging_pages);
}

/* Keeps in moved only what is really gone from the program's memory. */
INSIDE void run_drop(struct agent_run *run)
{
	long ret;

	if (!run->moved ||
	    !sys(SYS_madvise, run->addr, page_bytes(run->nr_pages), MADV_DONTNEED, 0, 0))
		return;
	for (uint32_t page = 0; page < run->nr_pages; page++) {
		ret = sys(SYS_madvise, run->addr + page_bytes(page), PAGE_SIZE, MADV_DONTNEED, 0,
			  0);
		if (ret) {
			run->moved &= ~page_mask(page, 1);
			run->error = (int32_t)ret;
		}
	}
}

INSIDE void batch_copy_drop(struct agent *ag, struct agent_batch *batch)
{
	uint32_t posted = AGENT_POSTED;

	for (uint32_t i = 0; i < batch->nr_runs; i++) {
		struct agent_run *run = &batch->run[i];
		struct extent ext;
		long error;

		ext.addr = run->addr;
		ext.pool_offset = page_bytes(run->pool_first);
		ext.bytes = page_bytes(run->nr_pages);
		if (atomic_load(&ag->ctl->cancel))
			break;
		if (pool_write(ag, &ext, &error) == ext.bytes)
			run->moved = page_mask(0, run->nr_pages);
		run->error = (int32_t)error;
	}
	/* What was revoked is the program's again: it must not be dropped. */
	if (atomic_compare_exchange_strong(&batch->phase, &posted, AGENT_COPIED)) {
		for (uint32_t i = 0; i < batch->nr_runs; i++)
			run_drop(&batch->run[i]);
		atomic_store(&batch->phase, AGENT_DROPPED);
	}
	batch_report(ag);
}

INSIDE void batch_run(struct agent *ag, struct agent_batch *batch)
{
	if (batch->nr_runs > AGENT_RUNS_MAX)
		batch->nr_runs = 0;
	for (uint32_t i = 0; i < batch->nr_runs; i++) {
		struct agent_run *run = &batch->run[i];

		run->error = 0;
		run->moved = 0;
		run->pinned = 0;
		run->gone = 0;
		if (run->nr_pages > AGENT_RUN_PAGES)
			run->nr_pages = 0;
	}
	if (batch->mode == AGENT_MOVE)
		batch_move(ag, batch);
	else
		batch_copy_drop(ag, batch);
}

__attribute__((section("upager_agent"), used)) void agent_entry(struct agent_ctl *ctl,
								const struct agent_start *start)
{
	struct agent ag;
	uint32_t taken = 0;
	long ret;

	ag.ctl = ctl;
	ag.unlocked = false;
	ag.locked = false;
	ret = agent_setup(ctl, start);
	if (ret)
		ctl->setup_error = (int32_t)ret;
	else
		atomic_store(&ctl->ready, 1);
	futex_wake(&ctl->ready);

	while (!ret) {
		uint32_t posted = atomic_load(&ctl->posted);

		if (atomic_load(&ctl->quit))
			break;
		if (posted == taken)
			futex_wait(&ctl->posted, posted);
		else
			batch_run(&ag, &ctl->batch[taken++ % AGENT_BATCHES]);
	}
	for (;;)
		sys(SYS_exit_group, 0, 0, 0, 0, 0);
}
