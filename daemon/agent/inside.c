// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs inside a target: a process that shares the target's memory and
 * nothing else.  Position independent, no libc, no TLS, no constant data: only
 * immediates and the stack, so that its one section can be copied anywhere.
 */
#include "agent/confine.h"
#include "agent/entry.h"
#include "agent/release.h"
#include "agent/save.h"
#include "agent/staging.h"

#include <errno.h>
#include <linux/falloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* True: a MOVE may be made, then busy_end().  False: cancelled or revoked. */
INSIDE bool move_begin(struct agent_ctl *ctl, const struct agent_batch *batch)
{
	busy_begin(ctl);
	if (!atomic_load(&ctl->cancel) && atomic_load(&batch->phase) == AGENT_POSTED)
		return true;
	busy_end(ctl);
	return false;
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
		uint64_t addr = run->addr + page_bytes(page);
		uint32_t moved;
		long ret;

		if (!move_begin(ag->ctl, batch))
			return;
		ret = move_pages(ag, staging_addr(ag, run->staging_first + page), addr, chunk,
				 UFFDIO_MOVE_MODE_DONTWAKE, &moved);
		if (moved) /* while busy: under hold it must be exact */
			run->moved |= page_mask(page, moved);
		busy_end(ag->ctl);

		if (moved) {
			page += moved;
			chunk = nr_pages - page;
		} else if (ret == -EAGAIN) {
			wait_unread(ag->ctl);
		} else if (ret == -EBUSY && page >= unshared_to) {
			/* May wait for a fault that the daemon serves: not while busy. */
			sys(SYS_madvise, addr, page_bytes(nr_pages - page), MADV_POPULATE_WRITE, 0,
			    0);
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
			staging_advise(ag, run->staging_first + page, nr_pages - page,
				       MADV_DONTNEED);
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
	bool any = false, unheld, held;

	staging_unlock(ag);
	ag->unlocked = false;
	ag->locked = false;
	for (uint32_t i = 0; i < batch->nr_runs; i++)
		move_run(ag, batch, &batch->run[i]);
	staging_unlock(ag);
	batch->locked = ag->locked;
	for (uint32_t i = 0; i < batch->nr_runs; i++)
		any |= batch->run[i].moved != 0;
	unheld = any && batch->unheld;
	held = unheld && grip_take(ag, batch);
	if (held)
		staging_advise(ag, staging_first, staging_pages, MADV_FREE);
	busy_begin(ag->ctl);
	if (atomic_load(&batch->phase) == AGENT_POSTED) {
		batch_save(ag, batch, held);
		atomic_store(&batch->phase, AGENT_COPIED);
	} else {
		if (held)
			grip_empty(ag);
		unheld = false;
	}
	if (!unheld)
		batch_report(ag);
	busy_end(ag->ctl);
	if (unheld) {
		any = !batch_release(ag, batch, held);
		busy_begin(ag->ctl);
		batch_report(ag);
		busy_end(ag->ctl);
	}
	/* Reported: the daemon may fill this batch anew while staging is dropped. */
	if (any)
		staging_advise(ag, staging_first, staging_pages, MADV_DONTNEED);
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

/* Revoked under hold it is not done any more: the daemon may use those places again. */
INSIDE void batch_trim(struct agent *ag, struct agent_batch *batch)
{
	busy_begin(ag->ctl);
	if (atomic_load(&batch->phase) == AGENT_POSTED) {
		sys(SYS_fallocate, (uint64_t)ag->ctl->pool_fd,
		    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page_bytes(batch->trim_first),
		    page_bytes(batch->staging_pages), 0);
		atomic_store(&batch->phase, AGENT_DROPPED);
	}
	batch_report(ag);
	busy_end(ag->ctl);
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
	else if (batch->mode == AGENT_COPY_DROP)
		batch_copy_drop(ag, batch);
	else
		batch_trim(ag, batch);
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
