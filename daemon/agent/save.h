/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SAVE_H
#define UPAGER_SAVE_H

#include <fcntl.h>
#include <sys/uio.h>

#include "agent/staging.h"

/* From staging, or from where pages are, into the pool. */

#define POOL_RETRY_NS 10000000

/* Pages that lie side by side both in memory and in the pool. */
struct extent {
	uint64_t addr;
	uint64_t pool_offset;
	uint64_t bytes;
};

/* Where the next extent of a batch begins. */
struct cursor {
	uint32_t run;
	uint32_t page;
};

/* The next pages of the batch that were moved; false: there are no more. */
INSIDE bool extent_next(const struct agent *ag, const struct agent_batch *batch, struct cursor *at,
			struct extent *ext)
{
	ext->bytes = 0;
	for (; at->run < batch->nr_runs; at->run++, at->page = 0) {
		const struct agent_run *run = &batch->run[at->run];

		for (; at->page < run->nr_pages; at->page++) {
			uint64_t addr = staging_addr(ag, run->staging_first + at->page);
			uint64_t offset = page_bytes(run->pool_first + at->page);

			if (!(run->moved & page_mask(at->page, 1)))
				continue;
			if (ext->bytes && (ext->addr + ext->bytes != addr ||
					   ext->pool_offset + ext->bytes != offset))
				return true;
			if (!ext->bytes) {
				ext->addr = addr;
				ext->pool_offset = offset;
			}
			ext->bytes += PAGE_SIZE;
		}
	}
	return ext->bytes != 0;
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

/* Likewise with what the grip holds next. */
INSIDE uint64_t pool_splice(const struct agent *ag, const struct extent *ext, long *error)
{
	uint64_t done = 0;

	*error = 0;
	while (done < ext->bytes) {
		uint64_t offset = ext->pool_offset + done;
		long n = sys(SYS_splice, (uint64_t)ag->ctl->grip_fd, 0, (uint64_t)ag->ctl->pool_fd,
			     (uintptr_t)&offset, ext->bytes - done);

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
INSIDE void batch_save(const struct agent *ag, struct agent_batch *batch, bool held)
{
	struct cursor at;
	struct extent ext;

	at.run = 0;
	at.page = 0;
	while (extent_next(ag, batch, &at, &ext)) {
		while (ext.bytes) {
			long error;
			uint64_t done =
				held ? pool_splice(ag, &ext, &error) : pool_write(ag, &ext, &error);

			ext.addr += done;
			ext.pool_offset += done;
			ext.bytes -= done;
			if (error) {
				batch->run[0].error = (int32_t)error;
				futex_wait_ns(&ag->ctl->ready, 1, POOL_RETRY_NS);
			}
		}
	}
}

#endif
