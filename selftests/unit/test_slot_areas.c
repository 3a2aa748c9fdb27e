// SPDX-License-Identifier: GPL-2.0-only
#include "slot_fixture.h"

#define TIMES (3 * AREAS_MAX)

/* Each time with a priority of its own.  Regression: what was left of them overran its room. */
static void test_come_and_go(void **state)
{
	struct fixture *f = open_one(state, 100 * X);
	slot_t slot;

	add_area(f, 50 * X, 0);
	for (int i = 0; i < TIMES; i++) {
		f->areas[1].priority = i % 2 ? i : -i;
		assert_int_equal(slots_add_area(f->slots, 1, f->dir_fd), 0);
		assert_int_equal(slots_total(f->slots), 100 * X - 1); /* it is closed */
		assert_int_equal(slot_alloc(f->slots, 0, 1, &slot), 1);
		assert_true(slot.v < 100 * X);
		slot_put(f->slots, slot);
		slots_close_area(f->slots, 1, false);
		assert_int_equal(slots_free(f->slots), 150 * X - 2);
		assert_int_equal(slot_alloc(f->slots, 0, 1, &slot), 1);
		assert_int_equal(slot.v >= 100 * X, i % 2);
		slot_put(f->slots, slot);
		slots_close_area(f->slots, 1, true);
		slots_remove_area(f->slots, 1, f->dir_fd);
		assert_int_equal(slots_free(f->slots), 100 * X - 1);
	}
}

/* A hole that nothing can be made in stays one. */
static void test_fails_to_come(void **state)
{
	struct fixture *f = open_one(state, 100 * X);

	add_area(f, 50 * X, 0);
	assert_int_not_equal(slots_add_area(f->slots, 1, -1), 0);
	assert_int_equal(slots_free(f->slots), 100 * X - 1);
	alloc_exactly(f, 0, 1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fails_to_come, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
