// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "swap/slot_set.h"

static uint64_t model_next(const bool *model, uint64_t nr, uint64_t from)
{
	for (uint64_t i = 0; i < nr; i++) {
		uint64_t n = from < nr ? (from + i) % nr : i;

		if (model[n])
			return n;
	}
	return SLOT_SET_NONE;
}

/* Sizes on both sides of each level's limits, dense and sparse, against a plain array. */
static void test_random_against_model(void **state)
{
	static const uint64_t sizes[] = {
		1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 8191, 10000
	};
	static bool model[10000];
	unsigned int seed = 1;

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		uint64_t nr = sizes[s];
		struct slot_set set;

		memset(model, 0, sizeof(model));
		assert_int_equal(slot_set_init(&set, nr), 0);
		for (int i = 0; i < 4000; i++) {
			uint64_t n = (uint64_t)rand_r(&seed) % nr;
			uint64_t from = (uint64_t)rand_r(&seed) % (nr + 1);
			bool add = rand_r(&seed) % (i % 1000 < 500 ? 2 : 8) == 0;

			model[n] = add;
			if (add)
				slot_set_add(&set, n);
			else
				slot_set_del(&set, n);
			assert_int_equal(slot_set_has(&set, n), add);
			assert_int_equal(slot_set_next(&set, from), model_next(model, nr, from));
		}
		slot_set_fini(&set);
	}
}

/* Four levels: two members far apart, and the way around the end. */
static void test_large(void **state)
{
	const uint64_t nr = 1ULL << 22;
	struct slot_set set;

	(void)state;
	assert_int_equal(slot_set_init(&set, nr), 0);
	assert_int_equal(set.nr_levels, 4);
	assert_int_equal(slot_set_next(&set, 0), SLOT_SET_NONE);
	slot_set_add(&set, 5);
	slot_set_add(&set, nr - 1);
	assert_int_equal(slot_set_next(&set, 0), 5);
	assert_int_equal(slot_set_next(&set, 5), 5);
	assert_int_equal(slot_set_next(&set, 6), nr - 1);
	assert_int_equal(slot_set_next(&set, nr), 5);
	slot_set_del(&set, 5);
	assert_int_equal(slot_set_next(&set, 0), nr - 1);
	slot_set_del(&set, nr - 1);
	slot_set_del(&set, nr - 1);
	assert_int_equal(slot_set_next(&set, 0), SLOT_SET_NONE);
	slot_set_fini(&set);
}

static void test_limits(void **state)
{
	struct slot_set set;

	(void)state;
	assert_int_equal(slot_set_init(&set, 0), -EINVAL);
	assert_int_equal(slot_set_init(&set, SLOT_SET_MAX + 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_against_model),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
