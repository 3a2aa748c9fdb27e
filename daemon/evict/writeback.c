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

struct write {
	struct op op;
	struct pager *pg;
	struct space *sp; /* NULL: free */
	slot_t slot; /* a reference is held on each of nr_pages */
	uint32_t place;
	uint32_t nr_pages;
};

struct writeback {
	struct write write[WRITES_MAX];
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

	for (uint32_t i = 0; i < WRITES_MAX; i++)
		if (!wb->write[i].sp)
			return &wb->write[i];
	return NULL;
}

static void record_write(struct write *w, bool in_flight)
{
	struct writeback *wb = w->pg->worker.writeback;
	struct write_record *rec = &wb->record[w - wb->write];

	__atomic_store_n(&rec->nr_pages, 0, __ATOMIC_RELEASE);
	if (!in_flight)
		return;
	__atomic_store_n(&rec->slot, w->slot.v, __ATOMIC_RELEASE);
	__atomic_store_n(&rec->nr_pages, w->nr_pages, __ATOMIC_RELEASE);
}

void writeback_queue(struct pager *pg, struct space *sp)
{
	struct standby *sb = &sp->standby;

	if (sp->worker.write_backoff_ns && clock_ns() < sp->worker.write_backoff_ns)
		return;
	sp->worker.write_backoff_ns = 0;
	while (sb->nr_dirty) {
		struct write *w = write_get(pg);
		uint32_t first, n;
		slot_t slot;
		int got;

		if (!w)
			return;
		n = standby_find_dirty(sb, WRITE_PAGES_MAX, &first);
		got = slot_alloc(pg->slots, sp->id, n, &slot);
		if (got <= 0) {
			sp->reports.area_full = true;
			sp->worker.write_backoff_ns = clock_ns() + WRITE_BACKOFF_NS;
			sb->write_hand = first;
			return;
		}
		n = (uint32_t)got;
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

static void write_done(void *context, struct op *op, int res)
{
	struct write *w = (struct write *)(void *)((char *)op - offsetof(struct write, op));
	struct space *sp = w->sp;
	bool ok = !failpoint(FP_STORE_WRITE) && res == (int)(w->nr_pages * PAGE_SIZE);

	(void)context;
	failpoint(FP_EVICT_WRITTEN);
	if (!ok) {
		space_count(&sp->stats.io_errors, 1);
		sp->worker.write_backoff_ns = clock_ns() + WRITE_BACKOFF_NS;
	}
	written(w, ok);
	for (uint32_t i = 0; i < w->nr_pages; i++)
		slot_put(w->pg->slots, slot_add(w->slot, i));
	record_write(w, false);
	sp->worker.nr_writes--;
	sp->worker.retry = true; /* standby has room: throttled faults may go on */
	w->sp = NULL;
}
