// SPDX-License-Identifier: GPL-2.0-only
#include "event/moves.h"

#include <errno.h>

#include "kernel/vma.h"
#include "memory/page.h"

/* In .end, until its UNMAP was read. */
#define SURE	 1ULL
#define EXPECTED 2ULL
#define FLAGS	 (SURE | EXPECTED)
/* Of a large mapping: it is asked for so many parts, and page by page where they differ. */
#define PARTS	 256

static uint32_t nr_of(const struct space *sp)
{
	return (uint32_t)min_t(uint64_t, sp->events->nr_moves, MOVES_MAX);
}

/* One that nothing is known of any more, before the oldest. */
static struct move *new_move(struct space *sp)
{
	struct event_slot *slot = sp->events;

	if (slot->nr_moves >= MOVES_MAX)
		for (uint32_t i = 0; i < MOVES_MAX; i++) {
			struct move *m = &slot->move[(slot->nr_moves + i) % MOVES_MAX];

			if (!(m->end & EXPECTED))
				return m;
		}
	return &slot->move[slot->nr_moves % MOVES_MAX];
}

void moves_note(struct space *sp, struct moved m)
{
	struct move *move;

	/* By a daemon that died before it could say so. */
	for (uint32_t i = 0; i < nr_of(sp); i++) {
		move = &sp->events->move[i];
		if (move->end & EXPECTED && (move->end & ~FLAGS) == m.end && move->from == m.from &&
		    move->to == m.to && move->bytes == m.bytes)
			return;
	}
	move = new_move(sp);
	__atomic_store_n(&move->end, 0, __ATOMIC_RELEASE);
	move->from = m.from;
	move->to = m.to;
	move->bytes = m.bytes;
	__atomic_store_n(&move->end, m.end | EXPECTED | (m.sure ? SURE : 0), __ATOMIC_RELEASE);
	__atomic_store_n(&sp->events->nr_moves, sp->events->nr_moves + 1, __ATOMIC_RELEASE);
}

/* One that was sure before others: of those it is known that they come. */
static struct move *find(const struct space *sp, uint64_t start, uint64_t end)
{
	struct move *found = NULL;

	for (uint32_t i = 0; i < nr_of(sp); i++) {
		struct move *m = &sp->events->move[i];

		/* Where mremap() shrank, too, REMAP may have told more [F6]. */
		if (m->from == start && m->end & EXPECTED && end <= (m->end & ~FLAGS) &&
		    (!found || m->end & SURE))
			found = m;
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

static void expect_no_more(struct move *m)
{
	__atomic_store_n(&m->end, m->end & ~FLAGS, __ATOMIC_RELEASE);
}

/*
 * It is one, if what is known there is still wanted: it is of a mapping that is
 * there now, or of one that was moved on from there by a REMAP that is unread
 * yet.  Else it is a real one, of what has come there since; the late one is
 * still to come, unless the kernel says that nothing is.
 */
bool moves_expect(struct pager *pg, struct space *sp, uint64_t start, uint64_t end)
{
	struct move *m = find(sp, start, end);
	struct vma v;
	pgno_t n;
	int err;

	if (!m || !find_page(pg, sp, start, end, &n))
		return m; /* there is nothing to drop */
	err = uffd_covers(sp->uffd, pgno_addr(n), PAGE_SIZE);
	if (err == -EAGAIN)
		return m->end & SURE || !vma_find(sp->process.maps_fd, pgno_addr(n), &v);
	if (err)
		expect_no_more(m);
	return !err;
}

void moves_came(struct space *sp, uint64_t start, uint64_t end)
{
	struct move *m = find(sp, start, end);

	if (m)
		expect_no_more(m);
}

static void add(struct stays *stays, uint64_t start, uint64_t end)
{
	struct page_range r = { addr_pgno(start), addr_pgno(end) };
	uint32_t i = stays->nr, k = 0;

	while (i && stays->at[i - 1].first.v > r.first.v) {
		stays->at[i] = stays->at[i - 1];
		i--;
	}
	stays->at[i] = r;
	stays->nr++;
	for (uint32_t n = 1; n < stays->nr; n++) {
		if (stays->at[n].first.v <= stays->at[k].end.v)
			stays->at[k].end.v =
				max_t(uint64_t, stays->at[k].end.v, stays->at[n].end.v);
		else
			stays->at[++k] = stays->at[n];
	}
	stays->nr = k + 1;
}

/* A part that may be split: each page says whether it is there. */
static bool add_pages(const struct space *sp, uint64_t start, uint64_t end, struct stays *stays)
{
	for (uint64_t at = start; at < end; at += PAGE_SIZE) {
		int err = uffd_covers(sp->uffd, at, PAGE_SIZE);

		if (err == -EAGAIN)
			return false;
		if (!err && stays->nr < MOVES_MAX)
			add(stays, at, at + PAGE_SIZE);
	}
	return true;
}

/* What of it is mapped and registered now.  False: an event is on its way. */
static bool add_mapped(const struct space *sp, uint64_t start, uint64_t end, struct stays *stays)
{
	uint64_t step = max_t(uint64_t, ((end - start) / PARTS) & ~(PAGE_SIZE - 1), PAGE_SIZE);
	int err = uffd_covers(sp->uffd, start, end - start);

	for (uint64_t at = start; err == -ENOENT && at < end; at += step) {
		uint64_t to = min_t(uint64_t, at + step, end);
		int part = uffd_covers(sp->uffd, at, to - at);

		if (part == -EAGAIN)
			return false;
		if (!part && stays->nr < MOVES_MAX)
			add(stays, at, to);
		else if (to - at > PAGE_SIZE && (!uffd_covers(sp->uffd, at, PAGE_SIZE) ||
						 !uffd_covers(sp->uffd, to - PAGE_SIZE, PAGE_SIZE)))
			if (!add_pages(sp, at, to, stays))
				return false;
	}
	if (!err && stays->nr < MOVES_MAX)
		add(stays, start, end);
	return err != -EAGAIN;
}

bool moves_that_stay(const struct space *sp, uint64_t start, uint64_t end,
		     const struct moves_log *log, struct stays *stays)
{
	stays->nr = 0;
	for (uint32_t i = 0; i < nr_of(sp); i++) {
		const struct move *m = &sp->events->move[i];
		uint64_t first = max_t(uint64_t, m->to, start);
		uint64_t last = min_t(uint64_t, m->to + m->bytes, end);

		if (!m->end || first >= last)
			continue;
		/* What is mapped there now may be what comes next. */
		if (log->comes(log, first, last))
			continue;
		if (add_mapped(sp, first, last, stays))
			continue;
		/*
		 * Who brought it is still in that mremap(): nobody can know of it and
		 * have sent it away.
		 */
		if ((m->end & FLAGS) == FLAGS && !log->came(log, m->from))
			add(stays, first, last);
		else if (!log->pressed)
			return false;
	}
	return true;
}

void moves_went(struct space *sp, uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < nr_of(sp); i++) {
		struct move *m = &sp->events->move[i];

		if (m->to >= start && m->to + m->bytes <= end)
			__atomic_store_n(&m->bytes, 0, __ATOMIC_RELEASE);
	}
}

bool stays_next(const struct stays *stays, uint64_t *at, uint64_t end, struct page_range *part)
{
	uint64_t first = *at, last = end;

	for (uint32_t i = 0; i < stays->nr; i++) {
		uint64_t from = pgno_addr(stays->at[i].first), to = pgno_addr(stays->at[i].end);

		if (to <= first || from >= end)
			continue;
		if (from > first) {
			last = from;
			break;
		}
		first = to;
	}
	*at = last;
	*part = (struct page_range){ addr_pgno(first), addr_pgno(last) };
	return first < end;
}
