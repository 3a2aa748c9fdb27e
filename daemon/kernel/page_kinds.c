// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/page_kinds.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/pagemap.h"

/* A bit of the kernel's and what it is called here. */
struct bit {
	uint64_t theirs;
	uint8_t ours;
};

static uint8_t translate(const struct bit *bits, size_t nr, uint64_t value)
{
	uint8_t kinds = 0;

	for (size_t i = 0; i < nr; i++)
		if (value & bits[i].theirs)
			kinds |= bits[i].ours;
	return kinds;
}

int page_kinds_read(int pagemap_fd, struct run run, uint8_t kinds[PAGE_KINDS_MAX])
{
	static const struct bit bits[] = {
		{ PAGEMAP_PRESENT, PAGE_KIND_PRESENT },	    { PAGEMAP_SWAPPED, PAGE_KIND_SWAPPED },
		{ PAGEMAP_FILE, PAGE_KIND_FILE },	    { PAGEMAP_GUARD, PAGE_KIND_GUARD },
		{ PAGEMAP_EXCLUSIVE, PAGE_KIND_EXCLUSIVE },
	};
	uint64_t entry[PAGE_KINDS_MAX];
	ssize_t n;

	if (run.nr_pages > PAGE_KINDS_MAX)
		return -EINVAL;
	memset(kinds, 0, PAGE_KINDS_MAX);
	n = pread(pagemap_fd, entry, run.nr_pages * sizeof(entry[0]),
		  (off_t)(run.first.v * sizeof(entry[0])));
	if (n < 0)
		return -errno;
	for (size_t i = 0; i < (size_t)n / sizeof(entry[0]); i++)
		kinds[i] = translate(bits, ARRAY_SIZE(bits), entry[i]);
	return 0;
}

int page_kinds_runs(int pagemap_fd, pgno_t first, pgno_t end, struct page_kinds_run *runs,
		    uint32_t max_runs, pgno_t *next)
{
	static const struct bit bits[] = {
		{ SCAN_PRESENT, PAGE_KIND_PRESENT },
		{ SCAN_SWAPPED, PAGE_KIND_SWAPPED },
		{ SCAN_FILE, PAGE_KIND_FILE },
		{ SCAN_ZERO, PAGE_KIND_ZERO },
	};
	struct scan_region found[PAGE_KINDS_MAX];
	struct scan_arg arg = {
		.size = sizeof(arg),
		.start = pgno_addr(first),
		.end = pgno_addr(end),
		.vec = (uintptr_t)found,
		.vec_len = max_runs < PAGE_KINDS_MAX ? max_runs : PAGE_KINDS_MAX,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT | SCAN_SWAPPED | SCAN_FILE | SCAN_ZERO,
	};
	int n = ioctl(pagemap_fd, SCAN_IOCTL, &arg);

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++)
		runs[i] = (struct page_kinds_run){
			.run = { addr_pgno(found[i].start),
				 (uint32_t)((found[i].end - found[i].start) >> PAGE_SHIFT) },
			.kinds = translate(bits, ARRAY_SIZE(bits), found[i].categories),
		};
	*next = addr_pgno(arg.walk_end);
	return n;
}
