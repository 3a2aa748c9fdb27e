// SPDX-License-Identifier: GPL-2.0-only
#include "evict/copies.h"

#include <assert.h>

#include "base/clock.h"
#include "evict/pool.h"
#include "memory/page.h"

/* Of all children: some milliseconds to copy, and 16 MiB. */
#define COPIES_MAX 4096u
#define LOOK_NS	   (5 * NS_PER_MS)
/* For the parent to write what it changes again and again. */
#define WAIT_NS	   NS_PER_S

bool copies_have_room(const struct pager *pg, uint32_t nr)
{
	return !nr || pg->worker.nr_copies + nr <= COPIES_MAX;
}

void copies_begin(struct pager *pg, struct space *child, uint32_t nr)
{
	child->worker.nr_copies = nr;
	child->worker.copies_wait = true;
	child->worker.copies_until_ns = clock_ns() + WAIT_NS;
	child->reports.has_copies = true;
	pg->worker.nr_copies += nr;
}

void copies_forget(struct pager *pg, struct space *sp)
{
	pg->worker.nr_copies -= sp->worker.nr_copies;
	sp->worker.nr_copies = 0;
	sp->worker.copies_wait = false;
}

/* NULL: it is gone, and wrote no more. */
static const struct space *parent_of(const struct pager *pg, const struct space *sp)
{
	const struct space *parent = pg->space[sp->parent_id];

	return parent && parent->worker.root.v && parent->worker.lineage == sp->worker.lineage
		       ? parent
		       : NULL;
}

/* Whoever it is that has this page there: its slot is as good as one of our own. */
static void share_slot(struct pager *pg, struct space *sp, uint32_t place, slot_t slot)
{
	struct standby *sb = &sp->standby;
	pgno_t n = standby_page(sb, place);
	struct page p = page_read(pg, sp, n), to = p;
	int err;

	if (!slot_valid(slot) ||
	    slot_hash(pg->slots, slot, standby_data(sb, place)) != slot_checksum(pg->slots, slot))
		return;
	to.dirty = false;
	to.slot = slot;
	slot_get(pg->slots, slot);
	err = page_change(pg, sp, n, p, to);
	assert(!err);
	standby_set(sb, place, PLACE_CLEAN, n);
}

/* True: there is one that its parent has not written yet. */
static bool share_slots(struct pager *pg, struct space *sp, uint64_t now_ns)
{
	const struct space *parent = parent_of(pg, sp);
	struct standby *sb = &sp->standby;

	for (uint32_t i = 0; parent && i < sb->nr_places; i++) {
		struct page p;

		if (standby_state(sb, i) != PLACE_DIRTY)
			continue;
		p = page_read(pg, parent, standby_page(sb, i));
		/* What waits itself may wait for this one, by an id that came again. */
		if (p.state == PAGE_STANDBY && p.dirty)
			return !parent->worker.copies_wait && now_ns < sp->worker.copies_until_ns;
		share_slot(pg, sp, i, p.slot);
	}
	return false;
}

/* Nobody else has it: no agent was placed. */
static void let_go_of_pool(struct pager *pg, struct space *sp)
{
	struct standby pool = sp->standby;

	pool_forget_all(pg, sp);
	sp->standby = (struct standby){ .fd = -1 };
	pager_record_space(pg, sp); /* before the descriptor is another's */
	standby_fini(&pool);
	copies_forget(pg, sp);
	sp->reports.has_copies = false;
	pager_kick_housekeeping(pg); /* it may have waited to place one */
}

uint64_t copies_step(struct pager *pg, struct space *sp, uint64_t now_ns)
{
	struct space_worker *w = &sp->worker;

	if (!w->nr_copies || now_ns < w->copies_look_ns)
		return w->nr_copies ? w->copies_look_ns : 0;
	w->copies_look_ns = now_ns + LOOK_NS;
	/* A fork of its own, that waits for room: it writes, too, to make some. */
	if (w->events_waiting) {
		w->copies_wait = false;
		return w->copies_look_ns;
	}
	w->copies_wait = share_slots(pg, sp, now_ns);
	if (w->copies_wait || sp->standby.nr_busy)
		return w->copies_look_ns;
	let_go_of_pool(pg, sp);
	return 0;
}
