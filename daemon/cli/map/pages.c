// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/pages.h"

#include <errno.h>

#include "kernel/page_kinds.h"

#define RUNS_MAX 256

/* Entry by entry, where the kernel does not say what is empty: not more than 64 MiB of entries. */
#define READ_PAGES_MAX (8u << 20)

/* By smaps alone: it does not tell what is in the middle of a region. */
static void sums_by_smaps(struct map_region *r)
{
	uint64_t pages = map_region_pages(r), shared, own, swapped;

	own = min_t(uint64_t, r->rss_bytes >> PAGE_SHIFT, pages);
	shared = min_t(uint64_t, r->shared_bytes >> PAGE_SHIFT, own);
	swapped = min_t(uint64_t, r->swap_bytes >> PAGE_SHIFT, pages - own);
	for (int s = 0; s < MAP_STATES; s++)
		r->pages[s] = 0;
	r->pages[MAP_PRIVATE] = own - shared;
	r->pages[r->inode || r->perms[3] == 's' ? MAP_SHARED : MAP_FORKED] = shared;
	r->pages[MAP_KERNEL_SWAPPED] = swapped;
	r->pages[MAP_UNTOUCHED] = pages - own - swapped;
}

static enum map_state state_of(const struct map_region *r, uint8_t kinds, bool zero)
{
	if (kinds & PAGE_KIND_GUARD)
		return MAP_MARKED;
	/* What is marked for a signal looks as if it were in swap. */
	if (kinds & PAGE_KIND_SWAPPED)
		return r->swap_bytes || r->perms[3] == 's' ? MAP_KERNEL_SWAPPED : MAP_MARKED;
	if (!(kinds & PAGE_KIND_PRESENT))
		return MAP_UNTOUCHED;
	if (zero)
		return MAP_ZERO;
	if (kinds & PAGE_KIND_EXCLUSIVE)
		return MAP_PRIVATE;
	/* The kernel's own pages are everybody's. */
	return kinds & PAGE_KIND_FILE || r->kind == MAP_KERNEL ? MAP_SHARED : MAP_FORKED;
}

static int mark_run(int fd, struct map_region *r, struct run run, bool zero)
{
	pgno_t base = addr_pgno(r->start);
	uint8_t kinds[PAGE_KINDS_MAX];
	uint32_t from = 0;

	while (run.nr_pages) {
		struct run part = run;
		int err;

		part.nr_pages = min_t(uint32_t, run.nr_pages, PAGE_KINDS_MAX);
		err = page_kinds_read(fd, part, kinds);
		if (err)
			return err;
		from = 0;
		for (uint32_t i = 1; i <= part.nr_pages; i++) {
			enum map_state state = state_of(r, kinds[from], zero);

			if (i < part.nr_pages && state_of(r, kinds[i], zero) == state)
				continue;
			if (state != MAP_UNTOUCHED)
				map_region_mark(r, part.first.v + from - base.v, i - from, state);
			from = i;
		}
		run.first = pgno_add(run.first, part.nr_pages);
		run.nr_pages -= part.nr_pages;
	}
	return 0;
}

static int scan_region(int fd, struct map_region *r)
{
	pgno_t next = addr_pgno(r->start), end = addr_pgno(r->end);
	struct page_kinds_run runs[RUNS_MAX];

	while (next.v < end.v) {
		pgno_t from = next;
		int n = page_kinds_runs(fd, from, end, runs, RUNS_MAX, &next);
		int err = 0;

		for (int i = 0; i < n && !err; i++)
			err = mark_run(fd, r, runs[i].run, runs[i].kinds & PAGE_KIND_ZERO);
		if (n < 0 || err)
			return n < 0 ? n : err;
		if (next.v <= from.v)
			return -EIO;
	}
	return 0;
}

/* Before Linux 6.7.  A page of zeros looks like a shared one: only sums tell that none is. */
static int read_region(int fd, struct map_region *r)
{
	pgno_t n = addr_pgno(r->start), end = addr_pgno(r->end);
	bool zero = !r->shared_bytes;

	if (!r->rss_bytes && !r->swap_bytes)
		return 0;
	if (end.v - n.v > READ_PAGES_MAX)
		return -EFBIG;
	while (n.v < end.v) {
		struct run run = { n, PAGE_KINDS_MAX };
		uint8_t kinds[PAGE_KINDS_MAX];
		int err;

		run.nr_pages = (uint32_t)min_t(uint64_t, end.v - n.v, PAGE_KINDS_MAX);
		err = page_kinds_read(fd, run, kinds);
		if (err)
			return err;
		for (uint32_t i = 0; i < run.nr_pages; i++) {
			enum map_state state = state_of(r, kinds[i], false);

			if (state == MAP_FORKED && zero)
				state = MAP_ZERO;
			if (state != MAP_UNTOUCHED)
				map_region_mark(r, n.v + i - addr_pgno(r->start).v, 1, state);
		}
		n = pgno_add(n, run.nr_pages);
	}
	return 0;
}

static int find_pages(int fd, struct map_region *r, bool *can_scan)
{
	int err = *can_scan ? scan_region(fd, r) : -ENOTTY;

	if (err != -ENOTTY && err != -EINVAL)
		return err;
	*can_scan = false;
	return read_region(fd, r);
}

static int read_one(int pagemap_fd, struct map *m, struct map_region *r)
{
	int err;

	if (map_region_make_cells(r, m->nr_regions))
		return -ENOMEM;
	if (r->device && !r->rss_bytes && !r->swap_bytes)
		return 0;
	err = pagemap_fd < 0 ? -EBADF : find_pages(pagemap_fd, r, &m->exact_sharing);
	if (err) {
		sums_by_smaps(r);
		r->nr_cells = 0;
	}
	return 0;
}

int map_pages_read(int pagemap_fd, struct map *m)
{
	m->exact_sharing = pagemap_fd >= 0;
	for (uint32_t i = 0; i < m->nr_regions; i++) {
		struct map_region *r = &m->region[i];
		struct map_sum sum = { 0 };

		if (read_one(pagemap_fd, m, r))
			return -ENOMEM;
		map_sum_add(&sum, r);
		r->locked_bytes = r->locked ? map_sum_resident_bytes(&sum) : 0;
	}
	return 0;
}
