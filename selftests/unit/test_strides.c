// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault/strides.h"
#include "seed.h"

static struct stride_plan fault(struct strides *st, uint64_t page, uint32_t limit)
{
	struct stride_plan plan = strides_plan(st, (pgno_t){ page }, limit);

	assert_in_range(plan.nr_pages, 0, min_t(uint32_t, limit, STRIDE_MOST));
	if (plan.nr_pages)
		strides_taken(st, plan, plan.nr_pages);
	return plan;
}

/* Whatever comes: never more than allowed, never further than a step at once, never below 0. */
static void test_random(void **state)
{
	uint64_t seed = seed_start(__func__);
	struct strides st = { 0 };
	uint64_t page = 0;

	(void)state;
	for (int n = 0; n < 200000; n++) {
		struct stride_plan plan;

		switch (seed_below(&seed, 8)) {
		case 0:
			page = seed_next(&seed) & ((1ULL << 45) - 1);
			break;
		case 1: /* the ends of the address space */
			page = seed_below(&seed, 70);
			if (seed_below(&seed, 2))
				page = (1ULL << 45) - 1 - page;
			break;
		case 2:
			page += seed_below(&seed, 2 * STRIDE_MAX);
			page -= min_t(uint64_t, page, STRIDE_MAX);
			break;
		default: /* a stride that goes down to the end */
			page -= min_t(uint64_t, page, 13);
			break;
		}
		plan = fault(&st, page, (uint32_t)seed_below(&seed, 2 * STRIDE_MOST));
		assert_in_range(plan.step + STRIDE_MAX, 0, 2 * STRIDE_MAX);
		for (uint32_t i = 0; i < plan.nr_pages; i++)
			assert_in_range(stride_page((pgno_t){ page }, plan, i).v, 0,
					(1ULL << 45) + STRIDE_MOST * STRIDE_MAX);
	}
}

/* Believed at the third fault; each fault behind what was fetched doubles. */
static void go(int64_t step)
{
	uint32_t want = 1, fetched = 0;
	struct strides st = { 0 };
	uint64_t page = 1000000;

	assert_int_equal(fault(&st, page, 1000).nr_pages, 0);
	assert_int_equal(fault(&st, page += (uint64_t)step, 1000).nr_pages, 0);
	for (int n = 0; n < 10; n++) {
		struct stride_plan plan = fault(&st, page += (uint64_t)step, 1000);

		assert_int_equal(plan.nr_pages, want);
		assert_int_equal(plan.step, step);
		assert_true(stride_page((pgno_t){ page }, plan, 0).v == page + (uint64_t)step);
		assert_int_equal(st.hits, fetched);
		page = stride_page((pgno_t){ page }, plan, want - 1).v;
		fetched += want;
		want = min_t(uint32_t, 2 * want, STRIDE_MOST);
	}
}

static void test_both_ways(void **state)
{
	(void)state;
	go(17);
	go(-17);
	go(STRIDE_MAX);
	go(-STRIDE_MAX);
	go(STRIDE_MIN);
	go(-STRIDE_MIN);
}

/* Some were there still: it goes on, and counts only what was used of what it fetched. */
static void test_skips(void **state)
{
	struct strides st = { 0 };

	(void)state;
	fault(&st, 100, 100);
	fault(&st, 130, 100);
	assert_int_equal(fault(&st, 160, 100).nr_pages, 1);
	assert_int_equal(fault(&st, 160 + 4 * 30, 100).nr_pages, 2);
	assert_int_equal(st.hits, 1);
	/* Too far is another one's. */
	assert_int_equal(fault(&st, 280 + 30 * 30, 100).nr_pages, 0);
}

/* What is fetched ends with the address space. */
static void test_down_to_zero(void **state)
{
	struct strides st = { 0 };

	(void)state;
	for (uint64_t page = 400; page > 40; page -= 40)
		fault(&st, page, 100);
	assert_int_equal(fault(&st, 40, 100).nr_pages, 1);
	assert_int_equal(fault(&st, 0, 100).nr_pages, 0);
}

/* Those of several threads are told apart, and what comes at random between them spoils none. */
static void test_interleaved(void **state)
{
	uint64_t page[4] = { 1000000, 2000000, 3000000, 4000000 };
	static const int64_t step[4] = { 17, -33, 100, -1000 };
	uint64_t seed = seed_start(__func__);
	struct strides st = { 0 };

	(void)state;
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < 4; i++) {
			struct stride_plan plan = fault(&st, page[i], 4);

			if (round > 1)
				assert_int_equal(plan.step, step[i]);
			page[i] += (uint64_t)(step[i] * (plan.nr_pages + 1));
			fault(&st, seed_next(&seed) >> 24, 4);
		}
}

/* What has no stride is not taken to have one. */
static void test_none(void **state)
{
	uint64_t seed = seed_start(__func__);
	struct strides st = { 0 };
	uint32_t nr = 0;

	(void)state;
	for (int n = 0; n < 100000; n++)
		nr += fault(&st, seed_below(&seed, 65536), 32).nr_pages;
	assert_in_range(nr, 0, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	    cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_skips),	    cmocka_unit_test(test_down_to_zero),
		cmocka_unit_test(test_interleaved), cmocka_unit_test(test_none),

	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
