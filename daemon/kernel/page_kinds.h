/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PAGE_KINDS_H
#define UPAGER_PAGE_KINDS_H

#include <stdint.h>

#include "base/types.h"

/* What /proc/PID/pagemap says of pages, for looking at them: bits of a page. */
enum page_kind {
	PAGE_KIND_PRESENT = 1 << 0,
	PAGE_KIND_SWAPPED = 1 << 1, /* by the kernel; or a marker for SIGBUS or SIGSEGV */
	PAGE_KIND_FILE = 1 << 2, /* of a file or of shared memory */
	PAGE_KIND_EXCLUSIVE = 1 << 3, /* mapped once */
	PAGE_KIND_GUARD = 1 << 4, /* Linux 6.15 */
	PAGE_KIND_ZERO = 1 << 5, /* the page of zeros: from page_kinds_runs() only */
};

#define PAGE_KINDS_MAX 512

/* At most PAGE_KINDS_MAX pages.  0 or -errno; what lies behind the last page is 0. */
int page_kinds_read(int pagemap_fd, struct run run, uint8_t kinds[PAGE_KINDS_MAX]);

struct page_kinds_run {
	struct run run;
	uint8_t kinds; /* PRESENT, SWAPPED, FILE, ZERO */
};

/*
 * Runs of [first, end) that are PRESENT or SWAPPED, in order; *next is where to go on.  Returns
 * their number, -ENOTTY where the kernel has no PAGEMAP_SCAN (6.7), or another -errno.
 */
int page_kinds_runs(int pagemap_fd, pgno_t first, pgno_t end, struct page_kinds_run *runs,
		    uint32_t max_runs, pgno_t *next);

#endif
