// SPDX-License-Identifier: GPL-2.0-only
#include "evict/drain.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "evict/writeback.h"
#include "fault/swapin.h"
#include "memory/page.h"

#define MOVES	   WRITEBACK_OTHERS
/* In one turn of the loop. */
#define LEAVES_MAX 32
/* Buffers that are left to faults. */
#define BUFFERS	   (STORE_READS / 2)
#define REST_NS	   (10 * NS_PER_MS)

static const pgno_t space_end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };

/* A run of pages on its way from one area to another. */
struct move {
	struct op read;
	struct op write;
	struct pager *pg;
	bool busy; /* perhaps since an earlier drain, which was given up */
	uint32_t id; /* of the space that it was found in */
	struct run run;
	slot_t from; /* a reference is held on each */
	slot_t to; /* likewise: it becomes the leaf's */
	struct read_buffer buf;
};

struct drain {
	struct move move[MOVES];
	uint32_t nr_busy;
	uint32_t id; /* of the space that the hand is in */
	pgno_t hand;
	uint64_t found; /* in this round */
	uint64_t unreadable; /* likewise */
	uint64_t rest_until_ns;
};

static bool is_there(const struct pager *pg, slot_t slot)
{
	const struct area *area = &pg->area[pg->area_job.area];

	return slot_valid(slot) && slot.v - area->first.v < area->sb.nr_slots;
}

static void end_move(struct move *m, bool moved)
{
	struct pager *pg = m->pg;
	struct space *sp = pg->space[m->id];

	for (uint32_t i = 0; i < m->run.nr_pages; i++) {
		pgno_t n = pgno_add(m->run.first, i);
		slot_t from = slot_add(m->from, i), to = slot_add(m->to, i);
		struct page p = { .state = PAGE_VIRGIN };

		if (moved && sp && sp->worker.root.v && sp->phase < SPACE_CLOSING)
			p = page_read(pg, sp, n);
		/* The slot was ours all the time, so whoever names it means the same data. */
		if (p.state == PAGE_SWAPPED && slot_equal(p.slot, from))
			page_resettle(pg, sp, n, to);
		else
			slot_put(pg->slots, to);
		slot_put(pg->slots, from);
	}
	writeback_record_other(pg, (uint32_t)(m - pg->worker.drain->move), m->to, 0);
	store_buffer_put(pg->worker.store, m->buf);
	m->busy = false;
	pg->worker.drain->nr_busy--;
}

static void read_done(void *context, struct op *op, int res)
{
	struct move *m = (struct move *)(void *)((char *)op - offsetof(struct move, read));
	struct pager *pg = m->pg;
	bool ok = res == (int)(m->run.nr_pages * PAGE_SIZE);

	(void)context;
	for (uint32_t i = 0; i < m->run.nr_pages && ok; i++) {
		const uint8_t *data = m->buf.data + i * PAGE_SIZE;
		slot_t from = slot_add(m->from, i), to = slot_add(m->to, i);

		ok = slot_hash(pg->slots, from, data) == slot_checksum(pg->slots, from);
		slot_set_checksum(pg->slots, to, slot_hash(pg->slots, to, data));
	}
	if (!ok) {
		if (is_there(pg, m->from))
			pg->worker.drain->unreadable += m->run.nr_pages;
		end_move(m, false);
		return;
	}
	writeback_record_other(pg, (uint32_t)(m - pg->worker.drain->move), m->to, m->run.nr_pages);
	store_write(pg->worker.store, &m->write, m->to, m->run.nr_pages, m->buf.data, -1);
	failpoint(FP_DRAIN_WRITE);
}

static void write_done(void *context, struct op *op, int res)
{
	struct move *m = (struct move *)(void *)((char *)op - offsetof(struct move, write));

	(void)context;
	failpoint(FP_DRAIN_WRITTEN);
	end_move(m, res == (int)(m->run.nr_pages * PAGE_SIZE));
	failpoint(FP_DRAIN_MOVED);
}

static struct move *move_get(struct pager *pg, uint32_t want)
{
	struct drain *dr = pg->worker.drain;

	if (store_buffers(pg->worker.store) < BUFFERS)
		return NULL;
	for (uint32_t i = 0; i < MOVES; i++) {
		struct move *m = &dr->move[i];

		if (m->busy || !store_buffer_get(pg->worker.store, want, &m->buf))
			continue;
		m->read = (struct op){ .kind = OP_READ, .done = read_done };
		m->write = (struct op){ .kind = OP_WRITE, .done = write_done };
		m->pg = pg;
		return m;
	}
	return NULL;
}

/* False: not now. */
static bool begin_move(struct pager *pg, struct space *sp, pgno_t n, slot_t slot, uint32_t nr_pages)
{
	struct move *m = move_get(pg, nr_pages);
	int got;

	if (!m)
		return false;
	got = slot_alloc(pg->slots, sp->id, min_t(uint32_t, nr_pages, m->buf.nr_pages), &m->to);
	if (got <= 0) {
		store_buffer_put(pg->worker.store, m->buf);
		/* No other has room. */
		return sp->phase == SPACE_LIVE && !sp->worker.events_waiting &&
		       swapin_fetch(pg, sp, n,
				    (struct page){ .state = PAGE_SWAPPED, .slot = slot });
	}
	m->busy = true;
	m->id = sp->id;
	m->run = (struct run){ n, (uint32_t)got };
	m->from = slot;
	for (uint32_t i = 0; i < m->run.nr_pages; i++)
		slot_get(pg->slots, slot_add(slot, i));
	pg->worker.drain->nr_busy++;
	store_read(pg->worker.store, &m->read, slot, m->run.nr_pages, m->buf.data);
	return true;
}

static bool is_moving(const struct drain *dr, slot_t slot)
{
	for (uint32_t i = 0; i < MOVES; i++)
		if (dr->move[i].busy && slot.v - dr->move[i].from.v < dr->move[i].run.nr_pages)
			return true;
	return false;
}

/* Only in the pool from now on, to be written again. */
static void make_dirty(struct pager *pg, struct space *sp, pgno_t n, struct page p)
{
	struct page to = p;

	to.dirty = true;
	to.slot = SLOT_NONE;
	if (page_room(pg, sp, (struct run){ n, 1 }) && !page_change(pg, sp, n, p, to))
		standby_set(&sp->standby, p.place, PLACE_DIRTY, n);
}

/* Entry i of a leaf; how many entries that settles, 0: not now. */
static uint32_t settle_entry(struct pager *pg, struct space *sp, const uint64_t *leaf, pgno_t base,
			     uint32_t i)
{
	struct page p = page_entry_unpack(leaf[i]);
	pgno_t n = pgno_add(base, i);
	uint32_t nr = 1;

	if (!is_there(pg, p.slot))
		return 1;
	pg->worker.drain->found++;
	switch (p.state) {
	case PAGE_RESIDENT:
		page_give_up_copy(pg, sp, n);
		return 1;
	case PAGE_STANDBY:
		if (!p.dirty && standby_state(&sp->standby, p.place) == PLACE_CLEAN)
			make_dirty(pg, sp, n, p);
		return 1;
	case PAGE_SWAPPED:
		if (is_moving(pg->worker.drain, p.slot))
			return 1;
		while (i + nr < TABLE_ENTRIES && nr < STORE_READ_PAGES &&
		       page_entry_state(leaf[i + nr]) == PAGE_SWAPPED &&
		       page_entry_slot(leaf[i + nr]).v == p.slot.v + nr &&
		       !is_moving(pg->worker.drain, slot_add(p.slot, nr)))
			nr++;
		return begin_move(pg, sp, n, p.slot, nr) ? nr : 0;
	default:
		return 1; /* DETACHING: it is settled soon */
	}
}

/* False: no more for now. */
static bool drain_leaf(struct pager *pg, struct space *sp, const uint64_t *leaf, pgno_t base)
{
	uint64_t copy[TABLE_ENTRIES];
	uint32_t i, nr;

	for (i = 0; i < TABLE_ENTRIES; i++)
		copy[i] = leaf[i];
	for (i = 0; i < TABLE_ENTRIES; i += nr) {
		nr = settle_entry(pg, sp, copy, base, i);
		if (!nr)
			return false;
	}
	return true;
}

/* One leaf, or the step to the next space; false: no more for now. */
static bool advance(struct pager *pg)
{
	struct drain *dr = pg->worker.drain;
	struct space *sp = pg->space[dr->id];
	const uint64_t *leaf = NULL;
	pgno_t base;

	/* An event that is half applied has entries in two places. */
	if (sp && sp->worker.events_waiting && sp->phase < SPACE_CLOSING) {
		dr->found++;
		sp = NULL;
	}
	if (sp && sp->worker.root.v && sp->phase != SPACE_NEW && sp->phase < SPACE_CLOSING)
		leaf = table_next_leaf(pg->tables, sp->worker.root, dr->hand, space_end, &base);
	if (!leaf) {
		dr->hand.v = 0;
		dr->id++;
		return dr->id < pg->nr_ids;
	}
	if (!drain_leaf(pg, sp, leaf, base))
		return false;
	dr->hand = pgno_add(base, TABLE_ENTRIES);
	return true;
}

static bool is_empty(const struct pager *pg)
{
	const struct area_job *job = &pg->area_job;
	const struct area_health *health = &pg->area[job->area].health;

	return slots_used(pg->slots, job->area) <= health->retired && !health->hung_reads &&
	       !health->hung_writes;
}

static bool begin(struct pager *pg)
{
	struct area *area = &pg->area[pg->area_job.area];
	struct drain *dr = pg->worker.drain;

	if (area->draining)
		return true;
	if (!dr)
		dr = pg->worker.drain = calloc(1, sizeof(*dr));
	if (!dr)
		return false;
	dr->id = 0;
	dr->hand.v = 0;
	dr->found = dr->unreadable = dr->rest_until_ns = 0;
	area->draining = true;
	/* A write that came late may have opened it again just before. */
	slots_close_area(pg->slots, pg->area_job.area, true);
	return true;
}

/* A device that hangs keeps its moves, and their slots, until they come back. */
static void end(struct pager *pg, enum area_job_state state)
{
	pg->area[pg->area_job.area].draining = false;
	if (!pg->worker.drain->nr_busy) {
		free(pg->worker.drain);
		pg->worker.drain = NULL;
	}
	pg->area_job.state = state;
	pager_kick_housekeeping(pg);
}

/* Nothing is there, nor will be; false: somebody thought better of it. */
static bool end_emptied(struct pager *pg)
{
	uint32_t was = AREA_JOB_DRAIN;

	if (!atomic_compare_exchange_strong(&pg->area_job.state, &was, AREA_JOB_EMPTIED))
		return false;
	store_area_set(pg->worker.store, pg->area_job.area, -1);
	end(pg, AREA_JOB_DRAINED);
	return true;
}

static void end_cancelled(struct pager *pg)
{
	const struct area *area = &pg->area[pg->area_job.area];

	if (!area->health.hung_writes)
		slots_close_area(pg->slots, pg->area_job.area, false);
	if (pg->worker.drain)
		end(pg, AREA_JOB_NONE);
	else
		pg->area_job.state = AREA_JOB_NONE; /* it had not begun */
}

/* True: it was the last one. */
static bool end_round(struct pager *pg, uint64_t now_ns)
{
	struct drain *dr = pg->worker.drain;

	pg->area_job.unreadable = dr->unreadable;
	/* Moves that are under way hold slots. */
	if (!dr->found && is_empty(pg) && end_emptied(pg))
		return true;
	dr->id = 0;
	dr->hand.v = 0;
	dr->found = dr->unreadable = 0;
	dr->rest_until_ns = now_ns + REST_NS;
	return false;
}

static uint64_t go_on(struct pager *pg, uint64_t now_ns)
{
	struct drain *dr = pg->worker.drain;

	if (now_ns < dr->rest_until_ns)
		return dr->rest_until_ns;
	for (int i = 0; i < LEAVES_MAX && dr->id < pg->nr_ids; i++)
		if (!advance(pg))
			break;
	if (dr->id >= pg->nr_ids)
		return end_round(pg, now_ns) ? 0 : dr->rest_until_ns;
	/* A move that ends wakes; so does nothing else that it may wait for. */
	return now_ns + (dr->nr_busy ? NS_PER_MS : 50 * NS_PER_US);
}

uint64_t drain_step(struct pager *pg, uint64_t now_ns)
{
	struct area_job *job = &pg->area_job;

	switch ((uint32_t)job->state) {
	case AREA_JOB_ADD:
		failpoint(FP_AREA_ADD);
		store_area_set(pg->worker.store, job->area, pg->area[job->area].fd);
		job->state = AREA_JOB_ADDED;
		pager_kick_housekeeping(pg);
		return 0;
	case AREA_JOB_DRAIN:
		return begin(pg) ? go_on(pg, now_ns) : now_ns + REST_NS;
	case AREA_JOB_CANCEL:
		end_cancelled(pg);
		return 0;
	default:
		return 0;
	}
}
