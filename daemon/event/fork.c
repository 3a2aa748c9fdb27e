// SPDX-License-Identifier: GPL-2.0-only
#include "event/fork.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/probe.h"
#include "event/aside.h"
#include "event/refuse.h"
#include "evict/copies.h"
#include "evict/pool.h"
#include "memory/page.h"
#include "recover/ward.h"

bool fork_may_apply(const struct pager *pg, const struct space *sp)
{
	/* What the device does not take is copied in any case. */
	return copies_have_room(pg, standby_only_copies(&sp->standby)) || sp->reports.area_full ||
	       sp->worker.write_backoff_ns;
}

/* So many descriptors are left for housekeeping: to find out about children takes some. */
#define FDS_LEFT_MIN 32
#define FDS_LEFT_MAX 256
#define FDS_PART     8

/* The lowest number that is free is given out, so it tells how many there are. */
static bool fds_are_scarce(const struct pager *pg, const struct space *parent, int child_uffd)
{
	uint32_t left = max_t(uint32_t, FDS_LEFT_MIN,
			      min_t(uint32_t, FDS_LEFT_MAX, pg->fds_max / FDS_PART));

	return parent->worker.scarce || (uint32_t)child_uffd + left > pg->fds_max;
}

/* How many leaves of its own a child may get at once for what its parent keeps. */
#define PARTED_MAX 64

/* With what the child does not share; an upper bound: what left together lies in runs. */
static uint64_t count_leaves(const struct standby *sb, bool clean, bool dirty)
{
	uint64_t leaf = ~0ULL, nr = 0;

	for (uint32_t place = 0; place < sb->nr_places; place++) {
		enum place_state state = standby_state(sb, place);

		if (!(clean && state == PLACE_CLEAN) && !(dirty && place_is_only_copy(state)))
			continue;
		nr += standby_page(sb, place).v / TABLE_ENTRIES != leaf;
		leaf = standby_page(sb, place).v / TABLE_ENTRIES;
	}
	return nr;
}

/* For the root, and the leaves that the child parts from; all are there before any is changed. */
static bool claim(struct pager *pg, const struct space *parent, uint64_t all, bool clean)
{
	uint64_t leaves = count_leaves(&parent->standby, clean, true);

	return tables_claim(pg->tables, TABLE_LEVELS + min_t(uint64_t, leaves * TABLE_LEVELS, all));
}

/*
 * Each may come to need tables of its own for all that they share, and stand
 * still where there are none.  The parent rather does without second chances
 * than without a child.
 */
static bool make_room(struct pager *pg, struct space *parent)
{
	uint64_t all = table_count(pg->tables, parent->worker.root);

	if (!tables_could(pg->tables, all))
		return false;
	if (count_leaves(&parent->standby, true, false) <= PARTED_MAX &&
	    claim(pg, parent, all, true))
		return true;
	pool_forget_all(pg, parent);
	return claim(pg, parent, all, false);
}

/* The parent's second chances stay its own: the child has them in their slots. */
static void part_from_clean(struct pager *pg, const struct space *parent, struct space *child)
{
	const struct standby *sb = &parent->standby;

	for (uint32_t place = 0; place < sb->nr_places; place++) {
		struct page p;
		int err;

		if (standby_state(sb, place) != PLACE_CLEAN)
			continue;
		p = page_read(pg, child, standby_page(sb, place));
		err = page_change(pg, child, standby_page(sb, place), p,
				  (struct page){ .state = PAGE_SWAPPED, .slot = p.slot });
		assert(!err);
	}
}

/* What is in no slot yet: the child gets copies in a pool of its own. */
static int copy_dirty(struct pager *pg, struct space *parent, struct space *child)
{
	struct standby *from = &parent->standby, *to = &child->standby;
	uint32_t at = 0;
	int err;

	if (!standby_only_copies(from))
		return 0;
	err = standby_init(to, standby_only_copies(from));
	if (err)
		return err;
	for (uint32_t place = 0; place < from->nr_places; place++) {
		struct page p, copy;
		pgno_t n = standby_page(from, place);

		if (!place_is_only_copy(standby_state(from, place)))
			continue;
		p = page_read(pg, child, n);
		copy = p;
		copy.place = at;
		copy.slot = SLOT_NONE;
		memcpy(standby_data(to, at), standby_data(from, place), PAGE_SIZE);
		err = page_change(pg, child, n, p, copy);
		assert(!err);
		standby_set(to, at++, PLACE_DIRTY, n);
	}
	standby_take(to, 0, at);
	copies_begin(pg, child, max_t(uint32_t, at, 1));
	return 0;
}

/* Without memory for the copies the child gets SIGBUS there, never zeros. */
static void lose_dirty(struct pager *pg, struct space *parent, struct space *child)
{
	struct standby *sb = &parent->standby;

	for (uint32_t place = 0; place < sb->nr_places; place++)
		if (place_is_only_copy(standby_state(sb, place)))
			page_lose(pg, child, standby_page(sb, place));
}

/* By a daemon that died before it could say that the event is applied. */
static bool is_known(struct pager *pg, int child_uffd)
{
	for (uint32_t id = 1; id < pg->nr_ids; id++)
		if (pg->space[id] && pg->space[id]->uffd == child_uffd)
			return true;
	return pg->state.inherited && unserved_has(&pg->state.unserved, child_uffd);
}

void fork_apply(struct pager *pg, struct space *parent, int child_uffd)
{
	table_id_t root = { 0 };
	struct space *child;
	int err;

	if (is_known(pg, child_uffd))
		return;
	space_count(&parent->stats.forks, 1);
	PROBE_1(fork, parent->process.pid);
	if (!failpoint(FP_FORK_READ) && !fds_are_scarce(pg, parent, child_uffd) &&
	    make_room(pg, parent))
		root = table_root_share(pg->tables, parent->worker.root);
	child = root.v ? pager_add_space(pg, child_uffd, ward_find(pg, child_uffd)) : NULL;
	if (!child) {
		table_root_put(pg->tables, root);
		refuse_child(pg, parent, child_uffd);
		parent->reports.orphans++;
		return;
	}
	child->worker.root = root;
	child->parent_id = parent->id;
	aside_inherit(child, parent);
	failpoint(FP_FORK_SHARED);
	if (parent->phase == SPACE_FORKED) { /* what was wiped for it, it may hand on */
		child->worker.born_touched = parent->worker.born_touched;
		child->worker.moved = parent->worker.moved;
	}
	if (!parent->worker.lineage)
		parent->worker.lineage = parent->id;
	child->worker.lineage = parent->worker.lineage;
	child->process.by_itself = parent->process.by_itself;
	child->reports.tracks_writes = parent->reports.tracks_writes;
	child->orders.budget_pages = parent->orders.budget_pages; /* until housekeeping allots */
	child->reports.nr_resident = parent->reports.nr_resident;
	child->reports.nr_swapped = parent->reports.nr_swapped;
	child->reports.nr_standby = parent->reports.nr_standby;
	child->reports.nr_lost = parent->reports.nr_lost;
	part_from_clean(pg, parent, child);
	pthread_mutex_lock(&parent->lock);
	child->locked.terms = parent->locked.terms;
	child->process.parent_pid = parent->process.pid;
	child->orders.parent_changes = parent->locked.map_changes;
	err = regions_copy(&child->locked.regions, &parent->locked.regions);
	pthread_mutex_unlock(&parent->lock);
	if (err)
		child->reports.rescan_wanted = true;
	if (copy_dirty(pg, parent, child))
		lose_dirty(pg, parent, child);
	child->worker.readable = true;
	/* Until then housekeeping leaves it alone, and writes down nothing of it. */
	child->phase = SPACE_FORKED;
	pager_record_space(pg, child);
	ward_end(pg, child->id);
	pg->worker.look_at_all = true;
	pager_kick_housekeeping(pg);
	failpoint(FP_FORK_APPLIED);
}
