/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SPACE_FIXTURE_H
#define UPAGER_SPACE_FIXTURE_H

#include "slot_fixture.h"

#include "memory/page.h"
#include "seed.h"

#define NR_SLOTS  (200 * X)
#define NR_PLACES 64

/*
 * Slots, tables and a space, without any process.  Tables are never given back
 * to the system, so a program makes them once.
 */
struct space_fixture {
	struct fixture *slots; /* of slot_fixture.h */
	struct pager pg;
	struct space *sp;
	struct event_slot events;
};

static struct space_fixture space_fixture;

static inline int space_group_setup(void **state)
{
	struct space_fixture *f = &space_fixture;
	void *slots = NULL;

	if (setup(&slots))
		return -1;
	f->slots = slots;
	add_area(f->slots, NR_SLOTS, 0);
	if (open_slots(f->slots))
		return -1;
	f->pg.slots = f->slots->slots;
	*state = f;
	return tables_init(&f->pg.tables, f->pg.slots, f->slots->dir_fd);
}

static inline int space_group_teardown(void **state)
{
	struct space_fixture *f = &space_fixture;
	void *slots = f->slots;

	(void)state;
	unlinkat(f->slots->dir_fd, "tables", 0);
	return teardown(&slots);
}

static inline int space_setup(void **state)
{
	struct space_fixture *f = &space_fixture;

	f->sp = space_new(1, -1, &f->events);
	if (!f->sp || standby_init(&f->sp->standby, NR_PLACES))
		return -1;
	f->sp->worker.changing = true; /* as while an event is applied */
	f->sp->worker.root = table_root_new(f->pg.tables);
	*state = f;
	return f->sp->worker.root.v ? 0 : -1;
}

/* Whatever a test did: with the tree all tables and all slots are free again. */
static inline int space_teardown(void **state)
{
	struct space_fixture *f = *state;

	table_root_put(f->pg.tables, f->sp->worker.root);
	space_free(f->sp);
	if (tables_used(f->pg.tables) || slots_free(f->pg.slots) != slots_total(f->pg.slots)) {
		print_error(
			"%llu tables and %llu slots are left\n",
			(unsigned long long)tables_used(f->pg.tables),
			(unsigned long long)(slots_total(f->pg.slots) - slots_free(f->pg.slots)));
		return -1;
	}
	return 0;
}

/* One slot, whose only reference is the caller's. */
static inline slot_t new_slot(struct space_fixture *f)
{
	slot_t slot;

	assert_int_equal(slot_alloc(f->pg.slots, 1, 1, &slot), 1);
	return slot;
}

static inline void expect_entry(struct space_fixture *f, pgno_t n, struct page want)
{
	assert_int_equal(page_entry_pack(page_read(&f->pg, f->sp, n)), page_entry_pack(want));
}

static inline void expect_counts(struct space_fixture *f, uint64_t resident, uint64_t detaching,
				 uint64_t standby, uint64_t swapped)
{
	assert_int_equal(f->sp->reports.nr_resident, resident);
	assert_int_equal(f->sp->reports.nr_detaching, detaching);
	assert_int_equal(f->sp->reports.nr_standby, standby);
	assert_int_equal(f->sp->reports.nr_swapped, swapped);
}

/* Runs in a child, silently; its wait status. */
static inline int in_child(void (*body)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, STDERR_FILENO);
		body(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

#define SPACE_TEST(name) cmocka_unit_test_setup_teardown(name, space_setup, space_teardown)

/* As what a REMAP claims: it empties the destination, and what does not fit goes. */
static inline bool space_fixture_shift_room(struct pager *pg, struct space *sp, pgno_t from,
					    pgno_t to, uint64_t nr_pages)
{
	return tables_claim(pg->tables,
			    page_drop_need(2) + page_shift_need(pg, sp, from, to, nr_pages));
}

#endif
