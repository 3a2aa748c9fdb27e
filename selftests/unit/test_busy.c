// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "busy.h"
#include "next_look.h"

static struct pager pager;
static struct event_slot events[5];

/* Spaces 1, 3 and 4. */
static int setup(void **state)
{
	static const uint32_t ids[] = { 1, 3, 4 };

	(void)state;
	pager.nr_ids = 5;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct space *sp = space_new(ids[i], -1, &events[ids[i]]);

		if (!sp)
			return -1;
		sp->phase = SPACE_LIVE;
		sp->orders.budget_pages = 1000;
		pager.space[ids[i]] = sp;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (uint32_t id = 1; id < pager.nr_ids; id++)
		if (pager.space[id])
			space_free(pager.space[id]);
	return 0;
}

/* Once, whoever says so how often, and all when it is time. */
static void test_who_is_busy(void **state)
{
	struct busy b = { 0 };

	(void)state;
	assert_int_equal(busy_init(&b), 0);
	busy_add(&b, 3);
	busy_add(&b, 3);
	assert_int_equal(b.nr, 1);
	b.all_ns = NS_PER_S;
	busy_remove(&b, 0, NS_PER_S + 10);
	assert_int_equal(b.nr, 0);
	busy_add(&b, 1);
	busy_remove(&b, 0, NS_PER_S + 5);
	busy_add(&b, 4);
	busy_remove(&b, 0, 0);
	assert_int_equal(b.timer_ns, NS_PER_S + 5);
	busy_add_due(&b, &pager, NS_PER_S + 4);
	assert_int_equal(b.nr, 0);
	busy_add_due(&b, &pager, NS_PER_S + 5);
	assert_int_equal(b.nr, 3);
	assert_int_equal(b.timer_ns, 0);
	busy_fini(&b);
}

/* As long as anything is in hand it is not. */
static void test_who_is_quiet(void **state)
{
	struct space *sp = pager.space[1];

	(void)state;
	assert_true(space_is_quiet(sp));
	sp->phase = SPACE_FORKED;
	assert_true(space_is_quiet(sp));
	sp->orders.identified = true;
	assert_false(space_is_quiet(sp));
	sp->phase = SPACE_LIVE;
	assert_true(space_is_quiet(sp));
	sp->worker.readable = true;
	assert_false(space_is_quiet(sp));
	sp->worker.readable = false;
	sp->worker.deferred.nr = 1;
	assert_false(space_is_quiet(sp));
	sp->worker.deferred.nr = 0;
	sp->worker.nr_writes = 1;
	assert_false(space_is_quiet(sp));
	sp->worker.nr_writes = 0;
	sp->worker.nr_copies = 1;
	assert_false(space_is_quiet(sp));
	sp->worker.nr_copies = 0;
	sp->phase = SPACE_CLOSING;
	assert_false(space_is_quiet(sp));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_busy),
		cmocka_unit_test(test_who_is_quiet),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
