// SPDX-License-Identifier: GPL-2.0-only
#include "recover/restore.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/log.h"
#include "evict/settle.h"
#include "memory/page.h"
#include "recover/stray.h"

static const pgno_t no_more = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };

static struct space *space_of(struct pager *pg, uint32_t id)
{
	const struct space_record *rec = &pg->state.records[id];
	const struct space_facts *facts = space_record_facts(rec);
	struct space *sp = space_new(id, rec->uffd, &pg->state.events[id]);

	if (!sp)
		return NULL;
	sp->parent_id = facts->parent_id < pg->state.header->nr_ids ? facts->parent_id : 0;
	sp->worker.lineage = facts->lineage;
	sp->process.by_itself = facts->by_itself;
	sp->locked.terms = (struct terms){
		.budget_bytes = facts->budget_bytes,
		.family = facts->family,
		.weight = facts->weight,
		.asked_by = facts->asked_by,
	};
	sp->orders.budget_pages = facts->budget_pages;
	sp->locked.map_changes = rec->map_changes;
	sp->process.parent_pid = facts->parent_pid;
	sp->orders.parent_changes = facts->parent_changes;
	sp->worker.root.v = facts->root;
	sp->phase = facts->forked ? SPACE_FORKED : SPACE_LIVE;
	sp->process.pagemap_fd = facts->pagemap_fd;
	sp->process.maps_fd = facts->maps_fd;
	sp->process.task_dir_fd = facts->task_dir_fd;
	sp->process.mem_fd = facts->mem_fd;
	sp->process.pid = facts->pid;
	if (facts->forked) { /* it is looked for again */
		sp->worker.moved = true; /* nor is it known what was put there since its birth */
		space_close_views(sp);
		sp->process.pid = 0;
	}
	sp->worker.events_waiting = sp->events->msg[0].event;
	sp->worker.readable = true;
	sp->reports.rescan_wanted = true; /* which finds what is registered, and present */
	/* Of what was removed just before nothing is known [F3]. */
	sp->quarantine.all_ns = clock_ns();
	return sp;
}

/* What has a hint was registered, and by now some of it may be filled and not say so. */
static int restore_hints(struct pager *pg, struct space *sp)
{
	int err;

	if (!pg->state.records[sp->id].hinted)
		return 0;
	sp->locked.hints = &pg->state.hints[sp->id];
	sp->orders.hinted = true;
	err = hint_record_restore(sp->locked.hints, &sp->locked.regions);
	for (uint32_t i = 0; i < sp->locked.regions.nr && !err; i++)
		err = run_list_add(&sp->locked.adopt, sp->locked.regions.at[i].first,
				   sp->locked.regions.at[i].end);
	sp->orders.adopt_wanted = true;
	return err;
}

static int add_spaces(struct pager *pg)
{
	int err;

	for (uint32_t id = 1; id < pg->state.header->nr_ids; id++) {
		if (pg->state.records[id].uffd < 0) {
			pg->state.nr_wards += pg->state.records[id].ward > 0;
			continue;
		}
		pg->state.records[id].ward = 0; /* its fork is applied, though it does not say so */
		pg->space[id] = space_of(pg, id);
		if (!pg->space[id])
			return -ENOMEM;
		pg->nr_ids = id + 1;
		err = restore_hints(pg, pg->space[id]);
		if (err)
			return err;
	}
	return 0;
}

static int restore_tables(struct pager *pg)
{
	int err;

	slots_recount_begin(pg->slots);
	err = stray_restore(pg);
	if (!err)
		err = tables_restore_begin(&pg->tables, pg->slots, pg->state_dir_fd);
	for (uint32_t id = 1; id < pg->nr_ids && !err; id++)
		if (pg->space[id] && pg->space[id]->worker.root.v)
			err = tables_restore_root(pg->tables, pg->space[id]->worker.root);
	if (!err)
		err = tables_restore_end(pg->tables);
	slots_recount_end(pg->slots);
	return err;
}

/*
 * The worker had not taken it yet: no pool, or its staging is not registered.
 * It was never told to move anything.
 */
static bool is_unfinished(const struct space *sp)
{
	const struct inject_place *place = &sp->agent.place;

	return !sp->standby.nr_places ||
	       uffd_covers(sp->uffd, place->staging_addr, place->staging_bytes) == -ENOENT;
}

static int restore_agent(struct pager *pg, struct space *sp)
{
	const struct space_facts *facts = space_record_facts(&pg->state.records[sp->id]);
	struct agent *ag = &sp->agent;
	int err;

	if (facts->ctl_fd < 0)
		return 0;
	err = agent_restore(ag, &pg->state.posts[sp->id], facts->ctl_fd, facts->event_fd);
	if (err)
		return err;
	ag->place = facts->place;
	ag->dead = fd_readable(facts->agent_pidfd);
	agent_set_process(ag, facts->agent_pid, facts->agent_pidfd, 0);
	if (!ag->dead && is_unfinished(sp)) {
		syscall(SYS_pidfd_send_signal, ag->pidfd, SIGKILL, NULL, 0);
		ag->dead = true;
	}
	return 0;
}

static void count(struct space *sp, struct page p)
{
	sp->reports.nr_resident += p.state == PAGE_RESIDENT || p.state == PAGE_DETACHING;
	sp->reports.nr_detaching += p.state == PAGE_DETACHING;
	sp->reports.nr_standby += p.state == PAGE_STANDBY;
	sp->reports.nr_swapped += p.state == PAGE_SWAPPED;
	sp->reports.nr_lost += p.state == PAGE_LOST;
}

/* A page that was being written goes to another slot: what lands in this one is not waited for. */
static int restore_page(struct pager *pg, struct space *sp, pgno_t n, struct page p)
{
	struct standby *sb = &sp->standby;
	struct page to = p;

	count(sp, p);
	if (p.state != PAGE_STANDBY && p.state != PAGE_DETACHING)
		return 0;
	if (p.place >= sb->nr_places) {
		log_err("page %#llx of space %u is at place %u of %u in its pool",
			(unsigned long long)n.v, sp->id, p.place, sb->nr_places);
		return -EBADMSG;
	}
	if (p.state == PAGE_DETACHING) {
		standby_set(sb, p.place, PLACE_DETACHING, n);
		return 0;
	}
	standby_set(sb, p.place, p.dirty ? PLACE_DIRTY : PLACE_CLEAN, n);
	to.slot = SLOT_NONE;
	return p.dirty && slot_valid(p.slot) ? page_change(pg, sp, n, p, to) : 0;
}

static int for_each_page(struct pager *pg, struct space *sp,
			 int (*fn)(struct pager *pg, struct space *sp, pgno_t n, struct page p))
{
	uint64_t entries[TABLE_ENTRIES];
	const uint64_t *leaf;
	pgno_t n = { 0 }, base;
	int err = 0;

	while (!err && (leaf = table_next_leaf(pg->tables, sp->worker.root, n, no_more, &base))) {
		memcpy(entries, leaf, sizeof(entries));
		for (unsigned int i = 0; i < TABLE_ENTRIES && !err; i++)
			if (entries[i])
				err = fn(pg, sp, pgno_add(base, i), page_entry_unpack(entries[i]));
		n = pgno_add(base, TABLE_ENTRIES);
	}
	return err;
}

/* Recorded, but in no post that was sent: the agent has not seen it. */
static int take_back(struct pager *pg, struct space *sp, pgno_t n, struct page p)
{
	if (p.state != PAGE_DETACHING)
		return 0;
	standby_set(&sp->standby, p.place, PLACE_FREE, (pgno_t){ 0 });
	return page_change(pg, sp, n, p, (struct page){ .state = PAGE_RESIDENT, .slot = p.slot });
}

static int restore_pages(struct pager *pg, struct space *sp)
{
	int err = for_each_page(pg, sp, restore_page);

	if (err)
		return err;
	if (sp->agent.ctl)
		settle_inherited(pg, sp);
	return for_each_page(pg, sp, take_back);
}

static int restore_space(struct pager *pg, struct space *sp)
{
	const struct space_facts *facts = space_record_facts(&pg->state.records[sp->id]);
	int err = facts->pool_fd < 0
			  ? 0
			  : standby_restore(&sp->standby, facts->pool_fd, facts->pool_places);

	if (!err)
		err = restore_agent(pg, sp);
	if (!err && sp->worker.root.v)
		err = restore_pages(pg, sp);
	/* What was open for a process that is looked for again is not any more. */
	if (!err && sp->phase == SPACE_FORKED)
		pager_record_space(pg, sp);
	if (err || !sp->agent.dead)
		return err;
	/* Housekeeping clears up after it and places another. */
	sp->housekeeping.left_behind = sp->agent.place;
	agent_fini(&sp->agent);
	pager_record_space(pg, sp);
	return 0;
}

int restore_all(struct pager *pg)
{
	uint64_t begin_ns = clock_ns();
	uint32_t nr = 0;
	int err;

	err = add_spaces(pg);
	if (!err)
		err = restore_tables(pg);
	failpoint(FP_RESTORE_COUNTED);
	for (uint32_t id = 1; id < pg->nr_ids && !err; id++) {
		if (!pg->space[id])
			continue;
		err = restore_space(pg, pg->space[id]);
		nr++;
	}
	failpoint(FP_RESTORE_SETTLED);
	if (err)
		log_err("what the dead daemon left cannot be restored: %s; programs go on waiting",
			strerror(-err));
	else
		log_info("%u address spaces of a daemon that died are restored, in %llu us", nr,
			 (unsigned long long)((clock_ns() - begin_ns) / NS_PER_US));
	return err;
}

/* Nothing else was registered there when it was asked for. */
static void unregister_asked(struct space_record *rec)
{
	if (rec->asked_bytes)
		uffd_unregister(rec->uffd, rec->asked_addr, rec->asked_bytes);
	rec->asked_bytes = 0;
}

void restore_wake(struct pager *pg)
{
	for (uint32_t id = 1; id < pg->nr_ids; id++) {
		struct space *sp = pg->space[id];

		if (!sp)
			continue;
		unregister_asked(&pg->state.records[id]);
		agent_release(&sp->agent);
		uffd_wake_all(sp->uffd);
	}
	unserved_wake(&pg->state.unserved);
}
