// SPDX-License-Identifier: GPL-2.0-only
#include "event/aside.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "event/late_unmap.h"
#include "memory/change.h"
#include "memory/page.h"

/* In .by: who asks for it. */
#define BY_NONE	  0ULL /* nobody yet */
#define BY_EVENT  1ULL /* the one that is being applied */
#define BY_NOBODY 2ULL /* nor ever */
#define BY_LATER  3ULL /* not the one that is being applied: that takes what is there */

#define LOOK_NS NS_PER_MS

#define LINKS_ALONE 3 /* of /proc/PID/task with one thread: ".", its own name, the thread */

pgno_t aside_page(pgno_t n)
{
	return pgno_add(n, 1ULL << (TABLE_BITS * TABLE_LEVELS - 1));
}

static bool meets(const struct aside *a, uint64_t start, uint64_t end)
{
	return a->end && a->start < end && start < a->end;
}

static bool is_empty(struct pager *pg, const struct space *sp, const struct aside *a)
{
	pgno_t n;

	return !page_find(pg, sp, aside_page(addr_pgno(a->start)), aside_page(addr_pgno(a->end)),
			  &n);
}

/*
 * Nobody overtakes the only thread.  Who was overtaken may have ended since, but
 * not before its event was read.
 */
static bool is_alone(const struct space *sp, const struct uffd_msg *msg, uint64_t start,
		     uint64_t end)
{
	const struct uffd_msg *last = sp->events->msg + EVENTS_BATCH;
	struct stat st;

	for (const struct uffd_msg *m = msg + 1; m < last && m->event; m++) {
		uint64_t from = m->arg.remap.from, from_end = from + m->arg.remap.len;

		if (m->event == UFFD_EVENT_UNMAP) {
			from = m->arg.remove.start;
			from_end = m->arg.remove.end;
		} else if (m->event != UFFD_EVENT_REMAP) {
			continue;
		}
		if (from < end && start < from_end)
			return false;
	}
	return fstat(sp->process.task_dir_fd, &st) || st.st_nlink <= LINKS_ALONE;
}

static struct aside *find_same(const struct space *sp, uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < ASIDES; i++) {
		struct aside *a = &sp->events->aside[i];

		if (a->start == start && a->end == end && a->by == BY_NONE)
			return a;
	}
	return NULL;
}

/* None where something is aside of the same place already. */
static struct aside *find_free(const struct space *sp, uint64_t start, uint64_t end)
{
	struct aside *free = NULL;

	for (uint32_t i = 0; i < ASIDES; i++) {
		struct aside *a = &sp->events->aside[i];

		if (meets(a, start, end))
			return NULL;
		if (!a->end)
			free = a;
	}
	return free;
}

bool aside_open(struct pager *pg, struct space *sp, const struct uffd_msg *msg, uint64_t start,
		uint64_t end)
{
	struct aside *a = find_same(sp, start, end);
	pgno_t n;

	if (!page_find(pg, sp, addr_pgno(start), addr_pgno(end), &n))
		return false;
	if (a && is_empty(pg, sp, a))
		return true; /* by a daemon that died before it could say so */
	a = find_free(sp, start, end);
	if (!a || sp->phase == SPACE_FORKED || is_alone(sp, msg, start, end))
		return false;
	a->start = start;
	a->by = BY_NONE;
	__atomic_store_n(&a->end, end, __ATOMIC_RELEASE);
	return true;
}

void aside_meet(struct pager *pg, struct space *sp, uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < ASIDES; i++) {
		struct aside *a = &sp->events->aside[i];
		uint64_t first = max_t(uint64_t, start, a->start);
		uint64_t last = min_t(uint64_t, end, a->end);

		if (!meets(a, start, end) || a->by != BY_NONE)
			continue;
		if (late_unmap_in_use(pg, sp, first, last, false)) {
			__atomic_store_n(&a->by, BY_EVENT, __ATOMIC_RELEASE);
			continue;
		}
		page_doubt_both(pg, sp, addr_pgno(first), aside_page(addr_pgno(first)),
				(last - first) >> PAGE_SHIFT);
		__atomic_store_n(&a->by, BY_LATER, __ATOMIC_RELEASE);
	}
}

bool aside_next(const struct space *sp, uint64_t *at, uint64_t end, struct aside_part *part)
{
	uint64_t first = *at, next = end;

	if (first >= end)
		return false;
	part->aside = false;
	for (uint32_t i = 0; i < ASIDES; i++) {
		const struct aside *a = &sp->events->aside[i];

		if (!meets(a, first, end) || a->by != BY_EVENT)
			continue;
		if (a->start <= first) {
			part->aside = true;
			next = min_t(uint64_t, a->end, end);
			break;
		}
		next = min_t(uint64_t, next, a->start);
	}
	part->first = addr_pgno(first);
	part->end = addr_pgno(next);
	*at = next;
	return true;
}

void aside_settle(struct pager *pg, struct space *sp)
{
	for (uint32_t i = 0; i < ASIDES; i++) {
		struct aside *a = &sp->events->aside[i];

		if (!a->end || a->by == BY_NONE || a->by == BY_NOBODY)
			continue;
		if (a->by == BY_EVENT && is_empty(pg, sp, a))
			__atomic_store_n(&a->end, 0, __ATOMIC_RELEASE);
		else /* the rest was another's */
			__atomic_store_n(&a->by, BY_NONE, __ATOMIC_RELEASE);
	}
}

uint32_t aside_parts(const struct space *sp, uint64_t start, uint64_t end)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < ASIDES; i++)
		nr += meets(&sp->events->aside[i], start, end);
	return 2 * nr + 1;
}

bool aside_any(const struct space *sp)
{
	for (uint32_t i = 0; i < ASIDES; i++)
		if (sp->events->aside[i].end)
			return true;
	return false;
}

void aside_inherit(struct space *child, const struct space *parent)
{
	for (uint32_t i = 0; i < ASIDES; i++) {
		child->events->aside[i] = parent->events->aside[i];
		child->events->aside[i].by = BY_NOBODY;
	}
}

static void drop_all(struct pager *pg, struct space *sp)
{
	for (uint32_t i = 0; i < ASIDES && page_drop_room(pg); i++) {
		struct aside *a = &sp->events->aside[i];

		page_drop(pg, sp, aside_page(addr_pgno(a->start)), aside_page(addr_pgno(a->end)));
		__atomic_store_n(&a->end, 0, __ATOMIC_RELEASE);
	}
}

uint64_t aside_look_after(struct pager *pg, struct space *sp, uint64_t now_ns)
{
	if (!aside_any(sp))
		return 0;
	if (!sp->worker.events_waiting && change_begin(sp, CHANGE_LOOKED)) {
		drop_all(pg, sp);
		change_end(sp);
	}
	return aside_any(sp) ? now_ns + LOOK_NS : 0;
}
