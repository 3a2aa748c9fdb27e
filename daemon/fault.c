// SPDX-License-Identifier: GPL-2.0-only
/*
 * FAULT: page (state) -> readahead (what else) -> slot -> store (one read per
 * run) -> checksum -> uffd (COPY the run, WAKE) -> page.
 */
#include "fault.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "budget.h"
#include "clock.h"
#include "failpoint.h"
#include "page.h"
#include "present.h"

#define ZERO_WINDOW_MAX 64
/* Reads of a space in flight while everything is brought in. */
#define FILL_READS_MAX 16
#define READ_TRIES_MAX 2
#define DETACH_PATIENCE_NS (20 * NS_PER_MS)
#define RETRY_LATER_NS NS_PER_MS
/* How often the budget is looked at while faults wait for it. */
#define THROTTLE_LOOK_NS (5 * NS_PER_MS)

enum read_state {
	READ_FREE,
	READ_QUEUED, /* with the kernel */
	READ_READY, /* checked; the fill waits for events to be applied */
};

/* Volatile: after a crash a read in flight never happened. */
struct read {
	struct op op;
	struct pager *pg;
	struct space *sp;
	enum read_state state;
	struct run run;
	slot_t slot; /* of the first page; a reference is held on each */
	struct read_buffer buf;
	uint32_t tries;
	uint32_t tid;
	uint64_t begin_ns; /* of the fault; 0: nobody waits */
	uint64_t bad; /* bit per page whose data cannot be had */
};

struct faults {
	struct read read[STORE_READS];
	uint16_t free[STORE_READS];
	uint32_t nr_free;
	uint16_t busy[STORE_READS]; /* dense: the reads that are not free */
	uint32_t nr_busy;
};

static void read_done(void *context, struct op *op, int res);

int faults_init(struct pager *pg)
{
	struct faults *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return -ENOMEM;
	for (uint16_t i = 0; i < STORE_READS; i++) {
		fs->read[i].op = (struct op){ .kind = OP_READ, .done = read_done };
		fs->read[i].pg = pg;
		fs->free[fs->nr_free++] = i;
	}
	pg->fault_reads = fs;
	return 0;
}

void faults_fini(struct pager *pg)
{
	free(pg->fault_reads);
	pg->fault_reads = NULL;
}

static struct read *read_get(struct pager *pg, struct space *sp, uint32_t want)
{
	struct faults *fs = pg->fault_reads;
	struct read_buffer buf;
	struct read *rd;

	if (!fs->nr_free || !store_buffer_get(pg->store, want, &buf))
		return NULL;
	rd = &fs->read[fs->free[--fs->nr_free]];
	fs->busy[fs->nr_busy++] = (uint16_t)(rd - fs->read);
	rd->sp = sp;
	rd->buf = buf;
	rd->tries = 0;
	rd->bad = 0;
	rd->tid = 0;
	rd->begin_ns = 0;
	return rd;
}

static void read_put(struct read *rd)
{
	struct faults *fs = rd->pg->fault_reads;
	uint16_t self = (uint16_t)(rd - fs->read);

	for (uint32_t i = 0; i < rd->run.nr_pages; i++)
		slot_put(rd->pg->slots, slot_add(rd->slot, i));
	rd->sp->nr_reading -= rd->run.nr_pages;
	store_buffer_put(rd->pg->store, rd->buf);
	rd->state = READ_FREE;
	for (uint32_t i = 0; i < fs->nr_busy; i++) {
		if (fs->busy[i] == self) {
			fs->busy[i] = fs->busy[--fs->nr_busy];
			break;
		}
	}
	fs->free[fs->nr_free++] = self;
}

static struct read *read_find(struct pager *pg, const struct space *sp, pgno_t n)
{
	struct faults *fs = pg->fault_reads;

	for (uint32_t i = 0; i < fs->nr_busy; i++) {
		struct read *rd = &fs->read[fs->busy[i]];

		if (rd->sp == sp && n.v - rd->run.first.v < rd->run.nr_pages)
			return rd;
	}
	return NULL;
}

uint32_t fault_reads_in_flight(struct pager *pg, const struct space *sp)
{
	struct faults *fs = pg->fault_reads;
	uint32_t n = 0;

	for (uint32_t i = 0; i < fs->nr_busy; i++)
		n += fs->read[fs->busy[i]].sp == sp;
	return n;
}

static void defer(struct pager *pg, struct space *sp, struct fault f)
{
	fault_list_add(&pg->faults, &sp->deferred, f);
}

static void defer_later(struct pager *pg, struct space *sp, struct fault f)
{
	defer(pg, sp, f);
	sp->retry_at_ns = clock_ns() + RETRY_LATER_NS;
}

/*
 * Until an eviction makes room, or room appears without one: the program
 * unmapped something, the sampled part shrank, the budget was raised.
 */
static void defer_throttled(struct pager *pg, struct space *sp, struct fault f)
{
	defer(pg, sp, f);
	if (!sp->retry_at_ns)
		sp->retry_at_ns = clock_ns() + THROTTLE_LOOK_NS;
}

/* What to do about a fill that did not happen. True: the fault is over. */
static bool fill_failed(struct pager *pg, struct space *sp, struct fault f, int error)
{
	switch (error) {
	case -EEXIST: /* somebody was faster, or a REMOVE's zap is still to come [F3] */
	case -ENOENT: /* no such mapping any more: the program shall see that */
		uffd_wake(sp->uffd, (struct run){ f.page, 1 });
		return true;
	case -ESRCH:
		sp->phase = SPACE_CLOSING;
		return true;
	case -ENOMEM: /* the target's own memory cgroup is full [F19] */
		sp->starved = true;
		/* fall through */
	default:
		defer_later(pg, sp, f);
		return false;
	}
}

/* First touches: a window of VIRGIN pages that grows while they come in order. */
static void fill_zero(struct pager *pg, struct space *sp, struct fault f)
{
	const struct region *r;
	uint64_t room = budget_room(sp);
	uint32_t want = 1, n = 1;
	struct uffd_fill fill;

	pthread_mutex_lock(&sp->lock);
	r = region_find(&sp->regions, f.page);
	if (!r && !space_is_ours(sp, pgno_addr(f.page)))
		sp->rescan_wanted = true; /* grown in place */
	if (r && f.page.v == sp->zero_next.v)
		want = min_t(uint32_t, sp->zero_window * 2, ZERO_WINDOW_MAX);
	want = (uint32_t)min_t(uint64_t, want, max_t(uint64_t, room, 1));
	if (r)
		want = (uint32_t)min_t(uint64_t, want, r->end.v - f.page.v);
	pthread_mutex_unlock(&sp->lock);
	while (n < want && page_read(pg, sp, pgno_add(f.page, n)).state == PAGE_VIRGIN)
		n++;
	fill = uffd_zero(sp->uffd, (struct run){ f.page, n });
	if (fill.error == -ENOENT && n > 1) /* the window crosses a VMA */
		fill = uffd_zero(sp->uffd, (struct run){ f.page, 1 });
	if (!space_is_ours(sp, pgno_addr(f.page)))
		for (uint32_t i = 0; i < fill.filled; i++)
			page_change(pg, sp, pgno_add(f.page, i), (struct page){ .state = PAGE_VIRGIN },
				    (struct page){ .state = PAGE_RESIDENT,
						   .age = POLICY_AGE_FILLED });
	if (!fill.filled) {
		fill_failed(pg, sp, f, fill.error);
		return;
	}
	sp->zero_window = n;
	sp->zero_next = pgno_add(f.page, fill.filled);
	space_count(&sp->stats.zero_fills, fill.filled);
	space_latency(sp, f.begin_ns);
}

/* Second chance: the page comes back from the pool. */
static void fill_standby(struct pager *pg, struct space *sp, struct fault f, struct page p)
{
	struct standby *sb = &sp->standby;
	enum place_state place = sb->state[p.place];
	struct uffd_fill fill;
	/* A slot that is still being written is the write's alone. */
	slot_t slot = p.dirty ? SLOT_NONE : p.slot;

	fill = uffd_copy(sp->uffd, (struct run){ f.page, 1 }, standby_data(sb, p.place));
	if (!fill.filled && fill.error != -EEXIST) {
		fill_failed(pg, sp, f, fill.error);
		return;
	}
	page_change(pg, sp, f.page, p,
		    (struct page){ .state = PAGE_RESIDENT, .age = POLICY_AGE_RESCUED, .slot = slot });
	standby_set(sb, p.place, place == PLACE_WRITING ? PLACE_ORPHAN : PLACE_FREE,
		    (pgno_t){ 0 });
	space_count(&sp->stats.rescues, 1);
	if (f.begin_ns)
		space_latency(sp, f.begin_ns);
}

/* How far from the faulting page one read can reach: SWAPPED, slots in a row. */
static struct run cut_to_slots(struct pager *pg, struct space *sp, struct run plan, pgno_t n,
			       slot_t slot)
{
	pgno_t first = n, end = pgno_add(n, 1);

	while (first.v > plan.first.v) {
		struct page p = page_read(pg, sp, (pgno_t){ first.v - 1 });

		if (p.state != PAGE_SWAPPED || p.slot.v != slot.v - (n.v - first.v) - 1 ||
		    read_find(pg, sp, (pgno_t){ first.v - 1 }))
			break;
		first.v--;
	}
	while (end.v < plan.first.v + plan.nr_pages) {
		struct page p = page_read(pg, sp, end);

		if (p.state != PAGE_SWAPPED || p.slot.v != slot.v + (end.v - n.v) ||
		    read_find(pg, sp, end))
			break;
		end.v++;
	}
	return (struct run){ first, (uint32_t)(end.v - first.v) };
}

static void read_queue(struct read *rd, struct run run, slot_t slot)
{
	rd->run = run;
	rd->slot = slot;
	rd->state = READ_QUEUED;
	rd->sp->nr_reading += run.nr_pages;
	for (uint32_t i = 0; i < run.nr_pages; i++)
		slot_get(rd->pg->slots, slot_add(slot, i));
	store_read(rd->pg->store, &rd->op, slot, run.nr_pages, rd->buf.data);
	failpoint(FP_FAULT_SUBMIT);
}

static void fill_swapped(struct pager *pg, struct space *sp, struct fault f, struct page p)
{
	uint32_t limit = (uint32_t)min_t(uint64_t, STORE_READ_PAGES,
					 max_t(uint64_t, budget_room(sp) / 4, 1));
	struct run plan, run;
	uint32_t stream;
	struct read *rd;
	slot_t first;

	if (read_find(pg, sp, f.page)) {
		/* On its way: the fill wakes everybody who waits for the page. */
		return;
	}
	plan = readahead_plan(&sp->readahead, f.page, limit, &stream);
	rd = read_get(pg, sp, plan.nr_pages);
	if (!rd) {
		defer_later(pg, sp, f);
		return;
	}
	if (plan.nr_pages > rd->buf.nr_pages)
		plan = (struct run){ f.page, rd->buf.nr_pages };
	run = cut_to_slots(pg, sp, plan, f.page, p.slot);
	readahead_taken(&sp->readahead, stream, run);
	first.v = p.slot.v - (f.page.v - run.first.v);
	rd->tid = f.tid;
	rd->begin_ns = f.begin_ns;
	read_queue(rd, run, first);
	space_count(&sp->stats.readahead_pages, run.nr_pages - 1);
	sp->stats.readahead_hits = sp->readahead.hits;
}

/* SIGBUS for whoever touches a page whose only copy cannot be had. */
static void fill_lost(struct pager *pg, struct space *sp, struct fault f)
{
	struct uffd_fill fill;

	if (pg->caps.poison) {
		fill = uffd_poison(sp->uffd, (struct run){ f.page, 1 });
		if (fill.filled)
			space_latency(sp, f.begin_ns);
		else
			fill_failed(pg, sp, f, fill.error);
		return;
	}
	/* Before 6.6 by signal; a handler that returns gets it again. */
	if (sp->pid && f.tid)
		syscall(SYS_tgkill, sp->pid, (pid_t)f.tid, SIGBUS);
	uffd_wake(sp->uffd, (struct run){ f.page, 1 });
}

/*
 * A fault on a page that should be there.  Mostly a second thread's, read
 * after the first one's was filled: waking is enough.  If it really is absent
 * with all events applied, it was zapped without an event (guard regions, F9),
 * and the kernel's answer to that is zero.
 */
static void fill_resident(struct pager *pg, struct space *sp, struct fault f, struct page p)
{
	int present = present_one(sp->pagemap_fd, f.page);

	if (present || f.tries < 2) {
		uffd_wake(sp->uffd, (struct run){ f.page, 1 });
		if (!present) {
			f.tries++;
			defer_later(pg, sp, f);
		}
		return;
	}
	page_drop(pg, sp, f.page, pgno_add(f.page, 1));
	(void)p;
	space_count(&sp->stats.unexpected, 1);
	fill_zero(pg, sp, f);
}

/* Whether a page that would become resident has to wait for an eviction. */
static bool throttled(struct pager *pg, struct space *sp, struct fault *f)
{
	if (budget_room(sp) || !space_can_evict(sp) || sp->phase != SPACE_LIVE)
		return false;
	if (f->tries < 255 && !f->throttled) {
		f->throttled = true;
		space_count(&sp->stats.throttled, 1);
	}
	(void)pg;
	return true;
}

void fault_begin(struct pager *pg, struct space *sp, struct fault f)
{
	struct page p = page_read(pg, sp, f.page);

	if (sp->phase == SPACE_NEWBORN && p.state != PAGE_VIRGIN) {
		if (!sp->first_tid) {
			sp->first_tid = f.tid;
			pager_kick_house(pg);
		}
		defer(pg, sp, f);
		return;
	}
	if (f.write_protect && p.state == PAGE_RESIDENT) {
		uffd_write_protect(sp->uffd, (struct run){ f.page, 1 }, false);
		uffd_wake(sp->uffd, (struct run){ f.page, 1 });
		return;
	}
	switch (p.state) {
	case PAGE_VIRGIN:
		if (!space_is_ours(sp, pgno_addr(f.page)) && throttled(pg, sp, &f))
			defer_throttled(pg, sp, f);
		else
			fill_zero(pg, sp, f);
		break;
	case PAGE_RESIDENT:
		fill_resident(pg, sp, f, p);
		break;
	case PAGE_DETACHING:
		/*
		 * Until the batch is settled [F10].  That must not take long, and
		 * never when it is the agent itself that waits.
		 */
		if (f.tid == agent_tid(&sp->agent) ||
		    clock_ns() - f.begin_ns > DETACH_PATIENCE_NS)
			sp->revoke_wanted = true;
		defer_later(pg, sp, f);
		break;
	case PAGE_STANDBY:
		fill_standby(pg, sp, f, p);
		break;
	case PAGE_SWAPPED:
		if (throttled(pg, sp, &f))
			defer_throttled(pg, sp, f);
		else
			fill_swapped(pg, sp, f, p);
		break;
	case PAGE_LOST:
		fill_lost(pg, sp, f);
		break;
	default:
		abort();
	}
}

static void lose(struct read *rd, uint32_t i)
{
	struct space *sp = rd->sp;
	pgno_t n = pgno_add(rd->run.first, i);
	struct page p = page_read(rd->pg, sp, n);

	if (p.state != PAGE_SWAPPED || p.slot.v != rd->slot.v + i)
		return;
	page_change(rd->pg, sp, n, p, (struct page){ .state = PAGE_LOST });
	fill_lost(rd->pg, sp, (struct fault){ .page = n, .begin_ns = clock_ns(), .tid = rd->tid });
}

/* Length of the run from page i on that still is what was read. */
static uint32_t still_wanted(struct read *rd, uint32_t i)
{
	uint32_t n = 0;

	while (i + n < rd->run.nr_pages && !(rd->bad & 1ULL << (i + n))) {
		struct page p = page_read(rd->pg, rd->sp, pgno_add(rd->run.first, i + n));

		if (p.state != PAGE_SWAPPED || p.slot.v != rd->slot.v + i + n)
			break;
		n++;
	}
	return n;
}

static void filled(struct read *rd, uint32_t i, uint32_t nr_pages)
{
	struct pager *pg = rd->pg;
	struct space *sp = rd->sp;
	/* When the area gets tight a resident page does not keep its slot. */
	bool keep = slots_free(pg->slots) > slots_total(pg->slots) / 4;

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
		if (fill.error == -ENOENT && !fill.filled && n > 1)
			/* The run crosses a VMA: page by page. */
			fill = uffd_copy(sp->uffd, (struct run){ pgno_add(rd->run.first, i), 1 },
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
		sp->starved |= fill.error == -ENOMEM;
		sp->retry_at_ns = clock_ns() + RETRY_LATER_NS;
		return false;
	}
	for (i = 0; i < rd->run.nr_pages; i++)
		if (rd->bad & 1ULL << i)
			lose(rd, i);
	if (skipped)
		uffd_wake(sp->uffd, rd->run);
	if (rd->begin_ns)
		space_latency(sp, rd->begin_ns);
	return true;
}

static void read_finish(struct read *rd)
{
	/* What is filled before a fork is applied, the child would seem to have. */
	if (rd->sp->phase == SPACE_CLOSING || (!rd->sp->events_waiting && read_fill(rd)))
		read_put(rd);
	else
		rd->state = READ_READY;
}

/* Again from the start, one page: so that one bad block costs one page. */
static void read_again(struct read *rd)
{
	rd->tries++;
	rd->state = READ_QUEUED;
	store_read(rd->pg->store, &rd->op, rd->slot, rd->run.nr_pages, rd->buf.data);
}

/* One bad page of a run: leave it SWAPPED, so that its own fault reads it alone. */
static void read_shrink(struct read *rd)
{
	while (rd->run.nr_pages > 1) {
		slot_put(rd->pg->slots, slot_add(rd->slot, rd->run.nr_pages - 1));
		rd->run.nr_pages--;
		rd->sp->nr_reading--;
	}
}

static void read_done(void *context, struct op *op, int res)
{
	struct read *rd = (struct read *)(void *)((char *)op - offsetof(struct read, op));
	int err = failpoint(FP_STORE_READ);
	struct run all = rd->run;

	(void)context;
	failpoint(FP_FAULT_READ_DONE);
	if (rd->sp->phase == SPACE_CLOSING) {
		read_put(rd);
		return;
	}
	if (err || res != (int)(rd->run.nr_pages * PAGE_SIZE)) {
		space_count(&rd->sp->stats.io_errors, 1);
		if (rd->run.nr_pages > 1) {
			read_shrink(rd);
			uffd_wake(rd->sp->uffd, all); /* they fault again, each alone */
			read_again(rd);
			return;
		}
		if (rd->tries < READ_TRIES_MAX) {
			read_again(rd);
			return;
		}
		rd->bad = 1;
	}
	for (uint32_t i = 0; i < rd->run.nr_pages && !rd->bad; i++) {
		slot_t slot = slot_add(rd->slot, i);

		if (slot_hash(rd->pg->slots, slot, rd->buf.data + i * PAGE_SIZE) ==
		    slot_checksum(rd->pg->slots, slot))
			continue;
		if (rd->tries < READ_TRIES_MAX) {
			read_again(rd);
			return;
		}
		space_count(&rd->sp->stats.checksum_failures, 1);
		rd->bad |= 1ULL << i;
	}
	read_finish(rd);
}

void fault_retry(struct pager *pg, struct space *sp)
{
	struct faults *fs = pg->fault_reads;
	struct fault_list again = sp->deferred;
	struct fault f;

	sp->retry = false;
	sp->retry_at_ns = 0;
	for (uint32_t i = 0; i < fs->nr_busy;) {
		struct read *rd = &fs->read[fs->busy[i]];
		uint32_t before = fs->nr_busy;

		if (rd->sp == sp && rd->state == READ_READY)
			read_finish(rd);
		if (fs->nr_busy == before)
			i++;
	}
	sp->deferred = (struct fault_list){ 0 };
	while (fault_list_take(&pg->faults, &again, &f))
		fault_begin(pg, sp, f);
}

/* Starts fetching what of one leaf is outside; false when out of reads. */
static bool fill_leaf(struct pager *pg, struct space *sp, pgno_t base)
{
	for (; sp->fill_cursor < base.v + TABLE_ENTRIES; sp->fill_cursor++) {
		struct fault f = { .page = { sp->fill_cursor } };
		struct page p = page_read(pg, sp, f.page);
		struct run run, plan = { f.page, STORE_READ_PAGES };
		struct read *rd;

		if (p.state == PAGE_STANDBY)
			fill_standby(pg, sp, f, p);
		if (p.state != PAGE_SWAPPED || read_find(pg, sp, f.page))
			continue;
		if (fault_reads_in_flight(pg, sp) >= FILL_READS_MAX)
			return false;
		rd = read_get(pg, sp, STORE_READ_PAGES);
		if (!rd)
			return false;
		plan.nr_pages = rd->buf.nr_pages;
		run = cut_to_slots(pg, sp, plan, f.page, p.slot);
		read_queue(rd, run, p.slot);
		sp->fill_cursor += run.nr_pages - 1;
	}
	return true;
}

bool fault_fill_all(struct pager *pg, struct space *sp)
{
	static const pgno_t end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };
	pgno_t base;

	while (table_next_leaf(pg->tables, sp->root, (pgno_t){ sp->fill_cursor }, end, &base)) {
		if (sp->fill_cursor < base.v)
			sp->fill_cursor = base.v;
		if (!fill_leaf(pg, sp, base))
			return false;
	}
	if (fault_reads_in_flight(pg, sp) || sp->deferred.nr)
		return false;
	/* A batch that was posted before may still take pages out. */
	if (sp->nr_detaching)
		return false;
	if (sp->nr_swapped || sp->nr_standby) {
		sp->fill_cursor = 0; /* some fills had to wait: once more */
		return false;
	}
	return true;
}
