// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/present.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/pagemap.h"

#define SCAN_PAGES 16384

static int read_pagemap(int pagemap_fd, struct run run, uint64_t any,
			uint64_t bits[PRESENT_MAX / 64])
{
	uint64_t entry[PRESENT_MAX];
	size_t bytes = run.nr_pages * sizeof(entry[0]);
	ssize_t n;

	if (pagemap_fd < 0 || run.nr_pages > PRESENT_MAX)
		return -EINVAL;
	n = pread(pagemap_fd, entry, bytes, (off_t)(run.first.v * sizeof(entry[0])));
	if (n < 0)
		return -errno;
	memset(bits, 0, PRESENT_MAX / 8);
	for (uint32_t i = 0; i < (size_t)n / sizeof(entry[0]); i++)
		if (entry[i] & any)
			bits[i / 64] |= 1ULL << (i % 64);
	return 0;
}

int present_read(int pagemap_fd, struct run run, uint64_t bits[PRESENT_MAX / 64])
{
	return read_pagemap(pagemap_fd, run, PAGEMAP_PRESENT | PAGEMAP_SWAPPED, bits);
}

int present_exclusive(int pagemap_fd, struct run run, uint64_t bits[PRESENT_MAX / 64])
{
	return read_pagemap(pagemap_fd, run, PAGEMAP_EXCLUSIVE, bits);
}

int present_one(int pagemap_fd, pgno_t pg)
{
	uint64_t bits[PRESENT_MAX / 64];

	if (present_read(pagemap_fd, (struct run){ pg, 1 }, bits))
		return 1;
	return bits[0] & 1;
}

static bool has_category(int pagemap_fd, pgno_t pg, uint64_t category)
{
	struct scan_region found;
	struct scan_arg arg = {
		.size = sizeof(arg),
		.start = pgno_addr(pg),
		.end = pgno_addr(pgno_add(pg, 1)),
		.vec = (uintptr_t)&found,
		.vec_len = 1,
		.category_mask = category,
		.return_mask = category,
	};

	return ioctl(pagemap_fd, SCAN_IOCTL, &arg) == 1;
}

bool present_wp_async(int pagemap_fd, pgno_t pg)
{
	return has_category(pagemap_fd, pg, SCAN_WP_ASYNC);
}

bool present_written(int pagemap_fd, pgno_t pg)
{
	return has_category(pagemap_fd, pg, SCAN_WRITTEN);
}

static int scan_runs(int pagemap_fd, pgno_t first, pgno_t end, struct run *runs, uint32_t max_runs,
		     pgno_t *next)
{
	struct scan_region found[PRESENT_MAX];
	struct scan_arg arg = {
		.size = sizeof(arg),
		.start = pgno_addr(first),
		.end = pgno_addr(end),
		.vec = (uintptr_t)found,
		.vec_len = max_runs < PRESENT_MAX ? max_runs : PRESENT_MAX,
		.max_pages = SCAN_PAGES,
		.category_mask = SCAN_PRESENT,
		.return_mask = SCAN_PRESENT,
	};
	int n = ioctl(pagemap_fd, SCAN_IOCTL, &arg);

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++)
		runs[i] = (struct run){ addr_pgno(found[i].start),
					(uint32_t)((found[i].end - found[i].start) >> PAGE_SHIFT) };
	*next = addr_pgno(arg.walk_end);
	return n;
}

int present_runs(int pagemap_fd, pgno_t first, pgno_t end, struct run *runs, uint32_t max_runs,
		 pgno_t *next)
{
	uint64_t bits[PRESENT_MAX / 64] = { 0 };
	struct run part = { first, PRESENT_MAX };
	int n, err;

	n = scan_runs(pagemap_fd, first, end, runs, max_runs, next);
	if (n != -ENOTTY && n != -EINVAL)
		return n;
	/* Entry by entry; at worst every second page is a run. */
	part.nr_pages =
		(uint32_t)min_t(uint64_t, end.v - first.v, min_t(uint32_t, max_runs, PRESENT_MAX));
	err = read_pagemap(pagemap_fd, part, PAGEMAP_PRESENT, bits);
	if (err)
		return err;
	n = 0;
	for (uint32_t i = 0; i < part.nr_pages; i++) {
		if (!(bits[i / 64] >> (i % 64) & 1))
			continue;
		if (n && runs[n - 1].first.v + runs[n - 1].nr_pages == first.v + i)
			runs[n - 1].nr_pages++;
		else
			runs[n++] = (struct run){ pgno_add(first, i), 1 };
	}
	*next = pgno_add(first, part.nr_pages);
	return n;
}
