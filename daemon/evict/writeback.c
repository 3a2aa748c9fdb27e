// SPDX-License-Identifier: GPL-2.0-only
/*
 * EVICT, at the end: slot (one extent) -> store (one log write) -> page.
 */
#include "evict/writeback.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "memory/page.h"
#include "recover/statefile.h"
#include "recover/stray.h"

#define WRITE_PAGES_MAX	 64
#define WRITE_BACKOFF_NS (100 * NS_PER_MS)
#define WRITE_PAUSE_NS	 (2 * NS_PER_S) /* at most, where one fails after the other */
/* Under way at a time; more have been given up. */
#define ACTIVE_MAX	 32
/* Written one by one after a failure, so that one bad slot is told from its neighbours. */
#define SINGLE_PAGES	 256
/* More than that is no few bad slots but a bad device, which may be mended. */
#define RETIRED_MAX	 4096
#define LOOK_NS		 (100 * NS_PER_MS)

struct write {
	struct op op;
	struct pager *pg;
	struct space *sp; /* NULL: free, or hung */
	bool hung; /* given up: the slots are not used until it completes */
	uint64_t begin_ns;
	slot_t slot; /* a reference is held on each of nr_pages */
	uint32_t place;
	uint32_t nr_pages;
};

struct writeback {
	struct write write[WRITES_MAX];
	uint32_t nr_active;
	uint64_t look_ns; /* next, 0: nothing is under way */
	struct write_record *record; /* WRITES_MAX of them, recorded before submission [F5] */
};

static void write_done(void *context, struct op *op, int res);

int writeback_init(struct pager *pg)
{
	struct writeback *wb = calloc(1, sizeof(*wb));
	void *map;
	int err;

	if (!wb)
		return -ENOMEM;
	err = statefile_map(pg->state_dir_fd, "writes", WRITE_RECORDS * sizeof(*wb->record), true,
			    pg->state.inherited, &map);
	if (err) {
		free(wb);
		return err;
	}
	wb->record = map;
	for (uint32_t i = 0; i < WRITES_MAX; i++) {
		wb->write[i].op = (struct op){ .kind = OP_WRITE, .done = write_done };
		wb->write[i].pg = pg;
	}
	pg->worker.writeback = wb;
	return 0;
}

void writeback_fini(struct pager *pg)
{
	free(pg->worker.writeback);
	pg->worker.writeback = NULL;
}

static struct write *write_get(struct pager *pg)
{
	struct writeback *wb = pg->worker.writeback;

	if (wb->nr_active == ACTIVE_MAX)
		return NULL;
	for (uint32_t i = 0; i < WRITES_MAX - WRITEBACK_OTHERS; i++)
		if (!wb->write[i].sp && !wb->write[i].hung)
			return &wb->write[i];
	return NULL;
}

static void record(struct write_record *rec, slot_t slot, uint32_t nr_pages)
{
	__atomic_store_n(&rec->nr_pages, 0, __ATOMIC_RELEASE);
	if (!nr_pages)
		return;
	__atomic_store_n(&rec->slot, slot.v, __ATOMIC_RELEASE);
	__atomic_store_n(&rec->nr_pages, nr_pages, __ATOMIC_RELEASE);
}

static void record_write(struct write *w, bool in_flight)
{
	struct writeback *wb = w->pg->worker.writeback;

	record(&wb->record[w - wb->write], w->slot, in_flight ? w->nr_pages : 0);
}

void writeback_record_other(struct pager *pg, uint32_t i, slot_t slot, uint32_t nr_pages)
{
	record(&pg->worker.writeback->record[WRITES_MAX - WRITEBACK_OTHERS + i], slot, nr_pages);
}

void writeback_queue(struct pager *pg, struct space *sp)
{
	struct standby *sb = &sp->standby;

	if (sp->worker.copies_wait ||
	    (sp->worker.write_backoff_ns && clock_ns() < sp->worker.write_backoff_ns))
		return;
	sp->worker.write_backoff_ns = 0;
	while (sb->nr_dirty) {
		struct write *w = write_get(pg);
		uint32_t first, n;
		slot_t slot;
		int got;

		if (!w)
			return;
		n = standby_find_dirty(sb, sp->worker.write_single ? 1 : WRITE_PAGES_MAX, &first);
		got = slot_alloc(pg->slots, sp->id, n, &slot);
		if (got <= 0) {
			sp->reports.area_full = true;
			sp->worker.write_backoff_ns = clock_ns() + WRITE_BACKOFF_NS;
			sb->write_hand = first;
			return;
		}
		n = (uint32_t)got;
		sp->worker.write_single -= min_t(uint32_t, n, sp->worker.write_single);
		sb->write_hand = first + n == sb->nr_places ? 0 : first + n;
		for (uint32_t i = 0; i < n; i++) {
			struct page p = page_read(pg, sp, standby_page(sb, first + i)), to = p;
			int err;

			to.slot = slot_add(slot, i);
			slot_get(pg->slots, to.slot); /* the write's own */
			slot_set_checksum(
				pg->slots, to.slot,
				slot_hash(pg->slots, to.slot, standby_data(sb, first + i)));
			err = page_change(pg, sp, standby_page(sb, first + i), p, to);
			assert(!err);
			standby_set(sb, first + i, PLACE_WRITING, standby_page(sb, first + i));
		}
		w->sp = sp;
		w->slot = slot;
		w->place = first;
		w->nr_pages = n;
		w->begin_ns = clock_ns();
		pg->worker.writeback->nr_active++;
		if (!pg->worker.writeback->look_ns)
			pg->worker.writeback->look_ns = w->begin_ns + LOOK_NS;
		record_write(w, true);
		store_write(pg->worker.store, &w->op, slot, n, standby_data(sb, first),
			    standby_part_of(sb, first)->buffer);
		sp->worker.nr_writes++;
		failpoint(FP_EVICT_SUBMIT);
	}
}

static void written(struct write *w, bool ok)
{
	struct pager *pg = w->pg;
	struct space *sp = w->sp;
	struct standby *sb = &sp->standby;

	for (uint32_t i = 0; i < w->nr_pages; i++) {
		uint32_t place = w->place + i;
		struct page p, to;
		int err;

		if (standby_state(sb, place) == PLACE_ORPHAN) {
			standby_set(sb, place, PLACE_FREE, (pgno_t){ 0 });
			continue;
		}
		p = page_read(pg, sp, standby_page(sb, place));
		to = p;
		to.dirty = !ok;
		if (!ok)
			to.slot = SLOT_NONE; /* another one next time */
		err = page_change(pg, sp, standby_page(sb, place), p, to);
		assert(!err);
		standby_set(sb, place, ok ? PLACE_CLEAN : PLACE_DIRTY, standby_page(sb, place));
	}
}

static struct area *area_of(const struct write *w, uint32_t *index)
{
	uint64_t offset;

	slot_place(w->pg->slots, w->slot, index, &offset);
	return &w->pg->area[*index];
}

static void failed(struct write *w)
{
	struct space *sp = w->sp;
	uint32_t index;

	space_count(&sp->stats.io_errors, 1);
	area_of(w, &index)->health.write_errors++;
	if (!sp->worker.write_backoff_ns) { /* those that fail together count once */
		sp->worker.write_pause_ns = min_t(
			uint64_t, max_t(uint64_t, 2 * sp->worker.write_pause_ns, WRITE_BACKOFF_NS),
			WRITE_PAUSE_NS);
		sp->worker.write_backoff_ns = clock_ns() + sp->worker.write_pause_ns;
	}
	sp->worker.write_single = SINGLE_PAGES;
	pager_kick_housekeeping(w->pg);
}

/* The reference stays: it is not given out again. */
static bool retire(struct write *w)
{
	struct area_health *health;
	uint32_t index;

	health = &area_of(w, &index)->health;
	if (w->nr_pages > 1 || health->retired >= RETIRED_MAX)
		return false;
	health->retired++;
	return true;
}

static void let_go_of_slots(struct write *w)
{
	for (uint32_t i = 0; i < w->nr_pages; i++)
		slot_put(w->pg->slots, slot_add(w->slot, i));
	record_write(w, false);
}

static void let_go_of_space(struct write *w)
{
	w->sp->worker.nr_writes--;
	w->sp->worker.retry = true; /* standby has room: throttled faults may go on */
	w->sp = NULL;
	w->pg->worker.writeback->nr_active--;
}

/* What it may still write to is used again when it is over, and the area not before either. */
static void came_late(struct write *w)
{
	uint32_t index;
	struct area *area = area_of(w, &index);

	let_go_of_slots(w);
	w->hung = false;
	if (!--area->health.hung_writes && !area->draining)
		slots_close_area(w->pg->slots, index, false);
}

static void write_done(void *context, struct op *op, int res)
{
	struct write *w = (struct write *)(void *)((char *)op - offsetof(struct write, op));
	struct space *sp = w->sp;
	int err = failpoint(FP_STORE_WRITE);
	bool ok = !err && res == (int)(w->nr_pages * PAGE_SIZE);

	(void)context;
	if (err == -EINPROGRESS)
		return; /* a test has it never come */
	failpoint(FP_EVICT_WRITTEN);
	if (w->hung) {
		came_late(w);
		return;
	}
	if (ok)
		sp->worker.write_pause_ns = 0;
	else
		failed(w);
	written(w, ok);
	if (ok || !retire(w))
		let_go_of_slots(w);
	else
		record_write(w, false);
	let_go_of_space(w);
}

/* The pages stay; they go to another area, if there is one. */
static void give_up(struct write *w)
{
	uint32_t index;
	struct area *area = area_of(w, &index);

	if (w->sp->worker.events_waiting)
		return; /* states stay as they are until those are applied */
	w->hung = true;
	area->health.hung_writes++;
	failed(w);
	written(w, false);
	let_go_of_space(w);
	slots_close_area(w->pg->slots, index, true);
}

uint64_t writeback_look(struct pager *pg, uint64_t now_ns)
{
	struct writeback *wb = pg->worker.writeback;

	if (!wb->look_ns || now_ns < wb->look_ns)
		return wb->look_ns;
	for (uint32_t i = 0; i < WRITES_MAX; i++)
		if (wb->write[i].sp && now_ns > wb->write[i].begin_ns + pg->trouble.timeout_ns)
			give_up(&wb->write[i]);
	wb->look_ns = wb->nr_active ? now_ns + LOOK_NS : 0;
	return wb->look_ns;
}
