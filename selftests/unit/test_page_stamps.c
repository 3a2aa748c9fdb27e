// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory/page_stamps.h"

static pgno_t page(uint64_t n)
{
	return (pgno_t){ n * 4096 + 7 };
}

static void test_seen_and_unseen(void **state)
{
	struct page_stamps ps = { 0 };

	(void)state;
	assert_null(page_stamps_find(&ps, page(0)));
	for (uint64_t n = 0; n < 3000; n++)
		assert_non_null(page_stamps_set(&ps, page(n), 1, 1));
	for (uint64_t n = 0; n < 3000; n++)
		assert_int_equal(1, page_stamps_find(&ps, page(n))->round);
	assert_null(page_stamps_find(&ps, page(3000)));
	page_stamps_set(&ps, page(7), 2, 1)->asked = true;
	assert_int_equal(2, page_stamps_find(&ps, page(7))->round);
	assert_true(page_stamps_set(&ps, page(7), 3, 1)->asked);
	page_stamps_fini(&ps);
}

/* However many rounds there are: room for what stays, twice over, is enough. */
static void test_old_rounds_make_room(void **state)
{
	struct page_stamps ps = { 0 };

	(void)state;
	for (uint32_t round = 1; round < 200; round++) {
		for (uint64_t n = 0; n < 100; n++)
			assert_non_null(
				page_stamps_set(&ps, page(round * 100 + n), round, round - 1));
		for (uint64_t n = 0; n < 200 && round > 1; n++)
			assert_non_null(page_stamps_find(&ps, page((round - 1) * 100 + n)));
	}
	assert_true(ps.room <= 2048);
	page_stamps_fini(&ps);
}

static void test_too_many(void **state)
{
	struct page_stamps ps = { 0 };
	uint64_t n = 0;

	(void)state;
	while (n < 1 << 22 && page_stamps_set(&ps, page(n), 1, 1))
		n++;
	assert_in_range(n, 1 << 17, 1 << 20);
	assert_non_null(page_stamps_find(&ps, page(0)));
	assert_non_null(page_stamps_set(&ps, page(1 << 23), 2, 2));
	assert_null(page_stamps_find(&ps, page(0)));
	page_stamps_fini(&ps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seen_and_unseen),
		cmocka_unit_test(test_old_rounds_make_room),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
