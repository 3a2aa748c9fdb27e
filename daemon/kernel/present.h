/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PRESENT_H
#define UPAGER_PRESENT_H

#include <stdint.h>

#include "base/types.h"

/*
 * What /proc/PID/pagemap says is there: in memory or in the kernel's own swap.
 * bits gets bit i % 64 of word i / 64 per page. Returns 0 or -errno.
 */
#define PRESENT_MAX 512

int present_read(int pagemap_fd, struct run run, uint64_t bits[PRESENT_MAX / 64]);
/* Likewise what is in memory and mapped nowhere else. */
int present_exclusive(int pagemap_fd, struct run run, uint64_t bits[PRESENT_MAX / 64]);
/*
 * Runs of [first, end) that are in memory, in order, as many as fit and as one
 * call looks at; *next is where to go on.  What looks as if it were in the
 * kernel's swap may be a page for which SIGBUS was set, or a guard.  Returns their number or -errno.  Holes cost
 * little where the kernel has PAGEMAP_SCAN (6.7).
 */
int present_runs(int pagemap_fd, pgno_t first, pgno_t end, struct run *runs, uint32_t max_runs,
		 pgno_t *next);
/* Whether a page, there or not, is registered for asynchronous write protection (6.7). */
bool present_wp_async(int pagemap_fd, pgno_t pg);
/* Whether it is there, and not write-protected (6.7). */
bool present_written(int pagemap_fd, pgno_t pg);
/* 1, 0; where it cannot be told, 1. */
int present_one(int pagemap_fd, pgno_t pg);

#endif
