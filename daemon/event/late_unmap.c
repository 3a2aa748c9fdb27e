// SPDX-License-Identifier: GPL-2.0-only
#include "event/late_unmap.h"

#include <errno.h>

#include "kernel/vma.h"
#include "memory/page.h"

/* In .end: nothing was mapped where it was any more, so that it was no MREMAP_DONTUNMAP. */
#define SURE	  1ULL
/* It came, and is being applied. */
#define CAME	  2ULL
#define END(late) ((late)->end & ~(SURE | CAME))

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
		if (late->start == start && end <= END(late) && !(late->end & CAME) &&
		    (!found || late->end & SURE))
			found = late;
	}
	return found;
}

bool late_unmap_in_use(struct pager *pg, const struct space *sp, uint64_t start, uint64_t end,
		       bool sure)
{
	pgno_t n;
	struct vma v;
	int err;

	if (!page_find(pg, sp, addr_pgno(start), addr_pgno(end), &n))
		return true; /* there is nothing to drop */
	err = uffd_covers(sp->uffd, pgno_addr(n), PAGE_SIZE);
	if (err == -EAGAIN)
		return sure || !vma_find(sp->process.maps_fd, pgno_addr(n), &v);
	return !err;
}

/* By a daemon that died before it could say that it was applied. */
static bool came_before(const struct space *sp)
{
	for (uint32_t i = 0; i < LATE_UNMAPS; i++)
		if (sp->events->late[i].end & CAME)
			return true;
	return false;
}

bool late_unmap_came(struct pager *pg, struct space *sp, uint64_t start, uint64_t end)
{
	struct late_unmap *late;

	if (came_before(sp))
		return true;
	late = find(sp, start, end);
	/* A real one of what has come there since: the late one is still to come. */
	if (!late || !late_unmap_in_use(pg, sp, start, end, late->end & SURE))
		return false;
	__atomic_store_n(&late->end, late->end | CAME, __ATOMIC_RELEASE);
	return true;
}

void late_unmap_settle(struct space *sp)
{
	for (uint32_t i = 0; i < LATE_UNMAPS; i++)
		if (sp->events->late[i].end & CAME)
			__atomic_store_n(&sp->events->late[i].end, 0, __ATOMIC_RELEASE);
}
