// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "memory/range_set.h"
#include "seed.h"

#define PAGES 4096

static bool has(const struct range_set *set, uint64_t n)
{
	return range_set_meets(set, (pgno_t){ n }, (pgno_t){ n + 1 });
}

static void test_few_are_exact(void **state)
{
	struct range_set set = { 0 };

	(void)state;
	assert_false(range_set_meets(&set, (pgno_t){ 0 }, (pgno_t){ ~0ULL }));
	range_set_add(&set, (pgno_t){ 5 }, (pgno_t){ 5 });
	assert_int_equal(set.nr, 0);
	for (uint64_t i = 0; i < RANGE_SET_MAX; i++)
		range_set_add(&set, (pgno_t){ 100 * i + 10 }, (pgno_t){ 100 * i + 12 });
	range_set_add(&set, (pgno_t){ 12 }, (pgno_t){ 14 });
	range_set_add(&set, (pgno_t){ 108 }, (pgno_t){ 111 });
	for (uint64_t n = 0; n < 100 * RANGE_SET_MAX; n++) {
		uint64_t at = n % 100;

		assert_int_equal(has(&set, n), (at >= 10 && at < 12) || n == 12 || n == 13 ||
						       n == 108 || n == 109);
	}
	assert_false(range_set_meets(&set, (pgno_t){ 14 }, (pgno_t){ 108 }));
	assert_true(range_set_meets(&set, (pgno_t){ 0 }, (pgno_t){ 11 }));
}

/* However many there are, none is forgotten. */
static void test_holds_all(void **state)
{
	uint64_t seed = seed_start("test_range_set");

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct range_set set = { 0 };
		bool added[PAGES] = { 0 };

		for (int i = 0; i < 100; i++) {
			uint64_t first = seed_below(&seed, PAGES);
			uint64_t end = first + seed_below(&seed, 8);

			end = end < PAGES ? end : PAGES;
			range_set_add(&set, (pgno_t){ first }, (pgno_t){ end });
			for (; first < end; first++)
				added[first] = true;
		}
		assert_true(set.nr <= RANGE_SET_MAX);
		for (uint64_t n = 0; n < PAGES; n++)
			assert_true(!added[n] || has(&set, n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_are_exact),
		cmocka_unit_test(test_holds_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
