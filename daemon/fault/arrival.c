// SPDX-License-Identifier: GPL-2.0-only
/*
 * FAULT, when its read is done: checksum -> uffd (COPY the run, WAKE) -> page.
 */
#include "fault/arrival.h"

#include <errno.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "evict/policy.h"
#include "fault/fill.h"
#include "fault/read_retry.h"
#include "memory/kept.h"
#include "memory/page.h"
#include "memory/stall_space.h"
#include "swap/read.h"

#define READ_TRIES_MAX 2
#define RETRY_LATER_NS NS_PER_MS

static void lose(struct read *rd, uint32_t i)
{
	struct space *sp = rd->sp;
	pgno_t n = pgno_add(rd->run.first, i);
	struct page p = page_read(rd->pg, sp, n);
	struct fault f = { n, clock_ns(), rd->tid, .waits = rd->waited };

	if (p.state != PAGE_SWAPPED || p.slot.v != rd->slot.v + i)
		return;
	fill_lose(rd->pg, sp, f, p);
}

/* Length of the run from page i on that still is what was read. */
static uint32_t still_wanted(struct read *rd, uint32_t i)
{
	uint32_t n = 0;

	while (i + n < rd->run.nr_pages && !(rd->bad & 1ULL << (i + n))) {
		pgno_t at = pgno_add(rd->run.first, i + n);
		struct page p = page_read(rd->pg, rd->sp, at);

		if (p.state != PAGE_SWAPPED || p.slot.v != rd->slot.v + i + n ||
		    !page_may_return(rd->pg, rd->sp, at))
			break;
		n++;
	}
	return n;
}

static void filled(struct read *rd, uint32_t i, uint32_t nr_pages)
{
	struct pager *pg = rd->pg;
	struct space *sp = rd->sp;
	bool keep = kept_may(pg);

	failpoint(FP_FAULT_FILLED);
	for (; nr_pages; i++, nr_pages--) {
		slot_t slot = slot_add(rd->slot, i);

		page_change(pg, sp, pgno_add(rd->run.first, i),
			    (struct page){ .state = PAGE_SWAPPED, .slot = slot },
			    (struct page){ .state = PAGE_RESIDENT,
					   .age = POLICY_AGE_FILLED,
					   .slot = keep ? slot : SLOT_NONE });
		space_count(&sp->stats.swap_ins, 1);
	}
}

/* Fills what is still wanted; false when an unread event is in the way. */
static bool read_fill(struct read *rd)
{
	struct space *sp = rd->sp;
	uint32_t i = 0, n;
	bool skipped = rd->bad;

	while (i < rd->run.nr_pages) {
		struct uffd_fill fill;

		n = still_wanted(rd, i);
		if (!n) {
			skipped = true;
			i++;
			continue;
		}
		fill = uffd_copy(sp->uffd, (struct run){ pgno_add(rd->run.first, i), n },
				 rd->buf.data + i * PAGE_SIZE);
		if (fill.error == -EEXIST && !fill.filled)
			fill.filled = 1;
		filled(rd, i, fill.filled);
		i += fill.filled;
		if (fill.filled)
			continue;
		if (fill.error == -ESRCH) {
			sp->phase = SPACE_CLOSING;
			break;
		}
		if (fill.error == -ENOENT) {
			skipped = true;
			i++;
			continue;
		}
		sp->worker.starved |= fill.error == -ENOMEM;
		sp->worker.retry_at_ns = clock_ns() + RETRY_LATER_NS;
		return false;
	}
	for (i = 0; i < rd->run.nr_pages; i++)
		if (rd->bad & 1ULL << i)
			lose(rd, i);
	if (skipped)
		uffd_wake(sp->uffd, rd->run);
	if (rd->begin_ns)
		space_latency(sp, rd->run.first, rd->begin_ns);
	return true;
}

static void read_finish(struct read *rd)
{
	struct space *sp = rd->sp;

	/* What is filled before a fork is applied, the child would seem to have. */
	if (sp->phase == SPACE_CLOSING || (!sp->worker.events_waiting && read_fill(rd)))
		read_put(rd);
	else
		rd->state = READ_READY;
	stall_look(rd->pg, sp);
}

/* Again from the start, one page: so that one bad block costs one page. */
static void read_again(struct read *rd)
{
	rd->tries++;
	read_send(rd);
}

/* Too many wait for another try: its fault begins anew. */
static void read_defer(struct read *rd)
{
	struct fault f = { rd->run.first, rd->begin_ns, rd->tid, .waits = rd->waited };
	struct space *sp = rd->sp;
	struct pager *pg = rd->pg;

	if (!f.begin_ns) /* nobody's, but somebody may have joined it */
		uffd_wake(sp->uffd, rd->run);
	read_put(rd);
	if (f.begin_ns)
		fill_later(pg, sp, f);
}

/* It failed, and nobody waits for it: who touches the page reads it anew. */
static bool read_is_over(struct read *rd)
{
	if (!rd->ahead || rd->waited)
		return false;
	uffd_wake(rd->sp->uffd, rd->run); /* who came meanwhile, and is not counted */
	read_put(rd);
	return true;
}

/* Of one page, and it failed. True: it is not over. */
static bool read_goes_on(struct read *rd)
{
	struct reads *in = rd->pg->worker.reads;

	if (in->nr_paused < READS_PAUSED_MAX)
		return read_pause(rd);
	if (rd->pg->trouble.retry_ns)
		read_defer(rd);
	return rd->pg->trouble.retry_ns;
}

/*
 * The device does not answer.  What it may still write to stays its own; all else
 * of the read is over.
 */
static void read_give_up(struct read *rd)
{
	struct space *sp = rd->sp;

	if (sp->worker.events_waiting)
		return; /* states stay as they are until those are applied */
	space_count(&sp->stats.io_errors, 1);
	if (rd->begin_ns)
		lose(rd, (uint32_t)(rd->page.v - rd->run.first.v));
	uffd_wake(sp->uffd, rd->run); /* others may wait for other pages */
	sp->reports.nr_reading -= rd->run.nr_pages;
	sp->worker.retry = true;
	read_wait_end(rd);
	rd->sp = NULL;
	rd->state = READ_HUNG;
	read_health(rd->pg, rd->slot)->hung_reads++;
}

static void read_came_late(struct read *rd)
{
	read_health(rd->pg, rd->slot)->hung_reads--;
	read_put(rd);
}

uint64_t arrival_look(struct pager *pg, uint64_t now_ns)
{
	return read_look(pg, now_ns, read_give_up);
}

/* All but the page that is wanted stay SWAPPED: their own faults read them alone. */
static void read_shrink(struct read *rd)
{
	uint32_t keep = (uint32_t)(rd->page.v - rd->run.first.v);

	for (uint32_t i = 0; i < rd->run.nr_pages; i++)
		if (i != keep)
			slot_put(rd->pg->slots, slot_add(rd->slot, i));
	rd->sp->reports.nr_reading -= rd->run.nr_pages - 1;
	rd->slot = slot_add(rd->slot, keep);
	rd->run = (struct run){ rd->page, 1 };
}

static void read_done(void *context, struct op *op, int res)
{
	struct read *rd = (struct read *)(void *)((char *)op - offsetof(struct read, op));
	int err = failpoint(rd->ahead && !rd->waited ? FP_STORE_AHEAD : FP_STORE_READ);
	struct run all = rd->run;

	(void)context;
	if (err == -EINPROGRESS)
		return; /* a test has it never come */
	failpoint(FP_FAULT_READ_DONE);
	if (rd->state == READ_HUNG) {
		read_came_late(rd);
		return;
	}
	if (rd->sp->phase == SPACE_CLOSING) {
		read_put(rd);
		return;
	}
	if (err || res != (int)(rd->run.nr_pages * PAGE_SIZE)) {
		space_count(&rd->sp->stats.io_errors, 1);
		read_health(rd->pg, rd->slot)->read_errors++;
		if (rd->run.nr_pages > 1) {
			read_shrink(rd);
			uffd_wake(rd->sp->uffd, all); /* they fault again, each alone */
			read_again(rd);
			return;
		}
		if (read_is_over(rd) || read_goes_on(rd))
			return;
		rd->bad = 1;
	}
	/* Every page by itself: what follows a bad one must be checked as well. */
	for (uint32_t i = 0; i < rd->run.nr_pages; i++) {
		slot_t slot = slot_add(rd->slot, i);

		if (rd->bad & 1ULL << i)
			continue;
		if (slot_hash(rd->pg->slots, slot, rd->buf.data + i * PAGE_SIZE) ==
		    slot_checksum(rd->pg->slots, slot))
			continue;
		if (rd->tries < READ_TRIES_MAX) {
			read_again(rd);
			return;
		}
		space_count(&rd->sp->stats.checksum_failures, 1);
		read_health(rd->pg, slot)->bad_checksums++;
		if (read_is_over(rd))
			return;
		rd->bad |= 1ULL << i;
	}
	read_finish(rd);
}

void arrival_retry(struct pager *pg, struct space *sp)
{
	struct reads *in = pg->worker.reads;

	for (uint32_t i = 0; i < in->nr_busy;) {
		struct read *rd = &in->read[in->busy[i]];
		uint32_t before = in->nr_busy;

		if (rd->sp == sp && (rd->state == READ_READY ||
				     (rd->state == READ_PAUSED && sp->phase == SPACE_CLOSING)))
			read_finish(rd);
		if (in->nr_busy == before)
			i++;
	}
}

int arrival_init(struct pager *pg)
{
	return reads_init(pg, read_done);
}

void arrival_fini(struct pager *pg)
{
	reads_fini(pg);
}
