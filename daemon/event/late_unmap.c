// SPDX-License-Identifier: GPL-2.0-only
#include "event/late_unmap.h"

#include <errno.h>

#include "kernel/vma.h"
#include "memory/page.h"

/* In .end: nothing was mapped where it was any more, so that it was no MREMAP_DONTUNMAP. */
#define SURE 1ULL

void late_unmap_expect(struct space *sp, uint64_t start, uint64_t end)
{
	struct late_unmap *late = &sp->events->late[sp->events->nr_late % LATE_UNMAPS];
	struct vma v;
	bool sure = vma_find(sp->process.maps_fd, start, &v) == -ENOENT;

	late->end = 0;
	late->start = start;
	__atomic_store_n(&late->end, end | (sure ? SURE : 0), __ATOMIC_RELEASE);
	sp->events->nr_late++;
}

/* One that was sure before others: of those it is known that they come. */
static struct late_unmap *find(struct space *sp, uint64_t start, uint64_t end)
{
	struct late_unmap *found = NULL;

	for (uint32_t i = 0; i < LATE_UNMAPS; i++) {
		struct late_unmap *late = &sp->events->late[i];

		/* Where mremap() shrank, too, REMAP may have told more [F6]. */
		if (late->start == start && late->end && end <= (late->end & ~SURE) &&
		    (!found || late->end & SURE))
			found = late;
	}
	return found;
}

/* Of [start, end): a page of which something is known. */
static bool find_page(struct pager *pg, const struct space *sp, uint64_t start, uint64_t end,
		      pgno_t *page)
{
	pgno_t n = addr_pgno(start), last = addr_pgno(end), base;
	const uint64_t *leaf;

	for (;
	     n.v < last.v && (leaf = table_next_leaf(pg->tables, sp->worker.root, n, last, &base));
	     n = pgno_add(base, TABLE_ENTRIES))
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
			if (leaf[i] && base.v + i >= n.v && base.v + i < last.v) {
				*page = pgno_add(base, i);
				return true;
			}
	return false;
}

/*
 * Whether what is known there is still wanted: it is of a mapping that is there
 * now, or of one that was moved on from there by a REMAP that is unread yet.
 */
static bool is_in_use(struct pager *pg, const struct space *sp, uint64_t start, uint64_t end,
		      bool sure)
{
	pgno_t n;
	struct vma v;
	int err;

	if (!find_page(pg, sp, start, end, &n))
		return true; /* there is nothing to drop */
	err = uffd_covers(sp->uffd, pgno_addr(n), PAGE_SIZE);
	if (err == -EAGAIN)
		return sure || !vma_find(sp->process.maps_fd, pgno_addr(n), &v);
	return !err;
}

bool late_unmap_came(struct pager *pg, struct space *sp, uint64_t start, uint64_t end)
{
	struct late_unmap *late = find(sp, start, end);

	/* A real one of what has come there since: the late one is still to come. */
	if (!late || !is_in_use(pg, sp, start, end, late->end & SURE))
		return false;
	__atomic_store_n(&late->end, 0, __ATOMIC_RELEASE);
	return true;
}
