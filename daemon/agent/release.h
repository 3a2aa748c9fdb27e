/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RELEASE_H
#define UPAGER_RELEASE_H

#include "agent/save.h"

/*
 * How staging is emptied without taking a page from who holds a reference to it
 * without a page table: a pipe that it was spliced into, direct I/O of a file
 * system in the network.  MOVE sees pins only [F12].  MADV_FREE makes pages
 * clean, and those MADV_PAGEOUT discards unless somebody holds them or has
 * written to them since; who writes by a reference marks the page before it
 * lets go.  So what was copied after MADV_FREE and is gone after MADV_PAGEOUT
 * was copied for good.  Pages that are clean might be discarded before they are
 * copied: the grip holds them meanwhile.
 *
 * What is left is the program's again, the same page.  Pages that the kernel
 * has not yet sorted into its lists are left, too.
 */

/* Forgets what the grip holds. */
INSIDE void grip_empty(const struct agent *ag)
{
	uint64_t buffer[64];

	while (sys(SYS_read, (uint64_t)ag->ctl->grip_fd, (uintptr_t)buffer, sizeof(buffer), 0, 0) >
	       0)
		;
}

/* False: not all that was moved is held, and so none. */
INSIDE bool grip_take(const struct agent *ag, const struct agent_batch *batch)
{
	struct cursor at;
	struct extent ext;

	at.run = 0;
	at.page = 0;
	while (extent_next(ag, batch, &at, &ext)) {
		struct iovec iov;

		iov.iov_base = (void *)(uintptr_t)ext.addr;
		iov.iov_len = ext.bytes;
		if (sys(SYS_vmsplice, (uint64_t)ag->ctl->grip_fd, (uintptr_t)&iov, 1,
			SPLICE_F_NONBLOCK, 0) == (long)ext.bytes)
			continue;
		grip_empty(ag);
		return false;
	}
	return true;
}

/* True: what was copied may be moved back, then busy_end(). */
INSIDE bool return_begin(struct agent_ctl *ctl, const struct agent_batch *batch)
{
	busy_begin(ctl);
	if (atomic_load(&batch->phase) == AGENT_COPIED)
		return true;
	busy_end(ctl);
	return false;
}

/*
 * It is clean yet, so the kernel may still discard it: until it is not, the copy
 * in the pool counts.  May wait for a fault that the daemon serves: not while
 * busy.
 */
INSIDE void page_keep(struct agent *ag, const struct agent_batch *batch, struct agent_run *run,
		      uint32_t page)
{
	if (sys(SYS_madvise, run->addr + page_bytes(page), PAGE_SIZE, MADV_POPULATE_WRITE, 0, 0))
		return;
	if (!return_begin(ag->ctl, batch))
		return;
	run->pinned |= page_mask(page, 1);
	run->moved &= ~page_mask(page, 1);
	busy_end(ag->ctl);
}

/*
 * Pages that staging has, or where nothing is mapped, which may be one that the
 * kernel has swapped out.  False: revoked, or it cannot be [F23]; then the copy
 * in the pool counts.
 */
INSIDE bool return_pages(struct agent *ag, const struct agent_batch *batch, struct agent_run *run,
			 uint32_t page, uint32_t nr_pages, bool there)
{
	uint64_t mode = UFFDIO_MOVE_MODE_DONTWAKE | (there ? 0 : UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES);

	while (nr_pages) {
		uint32_t moved;
		long ret;

		if (!return_begin(ag->ctl, batch))
			return false;
		ret = move_pages(ag, run->addr + page_bytes(page),
				 staging_addr(ag, run->staging_first + page), nr_pages, mode,
				 &moved);
		busy_end(ag->ctl);
		if (moved && there)
			page_keep(ag, batch, run, page);
		page += moved;
		nr_pages -= moved;
		if (ret == -EAGAIN)
			wait_unread(ag->ctl);
		else if (ret)
			return false;
	}
	return true;
}

/* False: something may be left in staging. */
INSIDE bool run_return(struct agent *ag, const struct agent_batch *batch, struct agent_run *run,
		       const unsigned char *present)
{
	uint32_t page = 0;
	bool all = true;

	while (page < run->nr_pages) {
		bool there = present[page] & 1;
		uint32_t n = 1;

		if (!(run->moved & page_mask(page, 1))) {
			page++;
			continue;
		}
		while (!there && page + n < run->nr_pages && !(present[page + n] & 1) &&
		       run->moved & page_mask(page + n, 1))
			n++;
		all &= return_pages(ag, batch, run, page, n, there);
		page += n;
	}
	return all;
}

/*
 * Of a batch that was copied all leaves staging, forth or, if the grip did not
 * hold it, back.  False: some of it may be left, which counts no more.
 */
INSIDE bool batch_release(struct agent *ag, struct agent_batch *batch, bool held)
{
	unsigned char present[AGENT_BATCH_PAGES];
	uint32_t first = batch->staging_first, nr_pages = batch->staging_pages;
	bool all = true;

	if (nr_pages > AGENT_BATCH_PAGES)
		return false;
	if (held)
		staging_advise(ag, first, nr_pages, MADV_PAGEOUT);
	if (sys(SYS_mincore, staging_addr(ag, first), page_bytes(nr_pages), (uintptr_t)present, 0,
		0))
		return false;
	for (uint32_t i = 0; i < batch->nr_runs; i++) {
		struct agent_run *run = &batch->run[i];
		uint32_t at = run->staging_first - first;

		if (at + run->nr_pages <= nr_pages)
			all &= run_return(ag, batch, run, present + at);
	}
	return all;
}

#endif
