// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fault/readahead.h"
#include "seed.h"

static bool contains(struct run run, uint64_t page)
{
	return page - run.first.v < run.nr_pages;
}

/* Plans for a fault and takes all of the plan. */
static struct run fault(struct readahead *ra, uint64_t page, uint32_t limit)
{
	uint32_t stream = ~0u;
	struct run run = readahead_plan(ra, (pgno_t){ page }, limit, &stream);

	assert_true(contains(run, page));
	assert_in_range(run.nr_pages, 1, limit);
	assert_in_range(run.nr_pages, 1, READAHEAD_MAX);
	assert_in_range(stream, 0, READAHEAD_STREAMS - 1);
	readahead_taken(ra, stream, run);
	return run;
}

/* A run holds the page and keeps the limits, whatever was taken before. */
static void test_random(void **state)
{
	uint64_t seed = seed_start(__func__);
	struct readahead ra = { 0 };
	uint64_t page = 0;

	(void)state;
	for (int step = 0; step < 200000; step++) {
		uint32_t limit = 1 + seed_below(&seed, 2 * READAHEAD_MAX), stream, cut;
		struct run run;

		switch (seed_below(&seed, 4)) {
		case 0:
			page = seed_next(&seed) & ((1ULL << 45) - 1);
			break;
		case 1: /* the ends of the address space */
			page = seed_below(&seed, 70);
			if (seed_below(&seed, 2))
				page = (1ULL << 45) - 1 - page;
			break;
		default: /* around a stream */
			page += seed_below(&seed, 2 * READAHEAD_MAX);
			page -= min_t(uint64_t, page, READAHEAD_MAX);
			break;
		}
		run = readahead_plan(&ra, (pgno_t){ page }, limit, &stream);
		assert_true(contains(run, page));
		assert_in_range(run.nr_pages, 1, min_t(uint32_t, limit, READAHEAD_MAX));
		assert_in_range(stream, 0, READAHEAD_STREAMS - 1);
		/* The caller may cut it on both sides, or not come back at all. */
		cut = seed_below(&seed, (uint32_t)(page - run.first.v) + 1);
		run.first.v += cut;
		run.nr_pages -= cut;
		run.nr_pages -= seed_below(&seed, run.nr_pages - (uint32_t)(page - run.first.v));
		if (seed_below(&seed, 20))
			readahead_taken(&ra, stream, run);
	}
}

static void test_ascending(void **state)
{
	struct readahead ra = { 0 };
	uint64_t page = 1000;

	(void)state;
	for (uint32_t want = 1; want <= 4 * READAHEAD_MAX; want *= 2) {
		struct run run = fault(&ra, page, 1000);

		assert_int_equal(run.first.v, page);
		assert_int_equal(run.nr_pages, min_t(uint32_t, want, READAHEAD_MAX));
		page += run.nr_pages;
	}
	/* Memory is short for a while. */
	assert_int_equal(fault(&ra, page, 3).nr_pages, 3);
	assert_int_equal(fault(&ra, page + 3, 1000).nr_pages, 6);
	/* Some pages were still resident. */
	assert_int_equal(fault(&ra, page + 9 + 5, 1000).nr_pages, 12);
}

static void test_descending(void **state)
{
	struct readahead ra = { 0 };
	uint64_t page = 1000;

	(void)state;
	for (uint32_t want = 1; want <= 4 * READAHEAD_MAX; want *= 2) {
		struct run run = fault(&ra, page, 1000);

		assert_int_equal(run.first.v + run.nr_pages - 1, page);
		assert_int_equal(run.nr_pages, min_t(uint32_t, want, READAHEAD_MAX));
		page = run.first.v - 1;
	}
}

/* Regression: at page 0 the descending window was empty. */
static void test_down_to_zero(void **state)
{
	(void)state;
	for (uint64_t start = 0; start < 200; start++) {
		struct readahead ra = { 0 };
		uint64_t page = start;

		for (;;) {
			struct run run = fault(&ra, page, 1000);

			if (!run.first.v)
				break;
			page = run.first.v - 1;
		}
	}
}

/* A fault elsewhere brings no neighbours in. */
static void test_random_faults_alone(void **state)
{
	struct readahead ra = { 0 };

	(void)state;
	for (uint64_t n = 1; n < 1000; n++)
		assert_int_equal(fault(&ra, n * 1000003 % (1ULL << 45), 1000).nr_pages, 1);
}

/* As many threads as there are streams, in turn, half of them down; and noise. */
static void test_interleaved_streams(void **state)
{
	enum {
		USED = READAHEAD_STREAMS - 1
	};
	struct readahead ra = { 0 };
	uint64_t page[USED];

	(void)state;
	for (uint32_t s = 0; s < USED; s++)
		page[s] = (s + 1) * 1000000ULL;
	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t s = 0; s < USED; s++) {
			struct run run = fault(&ra, page[s], 1000);
			uint32_t want = round < 6 ? 1u << round : READAHEAD_MAX;

			assert_int_equal(run.nr_pages, want);
			page[s] = s % 2 ? run.first.v + run.nr_pages : run.first.v - 1;
		}
		assert_int_equal(fault(&ra, (round + 500) * 1000000ULL, 1000).nr_pages, 1);
	}
}

/* What is known to come in order is read far ahead from its first fault on. */
static void test_widen(void **state)
{
	struct readahead ra = { 0 };
	uint32_t stream;
	struct run run;

	(void)state;
	run = readahead_plan(&ra, (pgno_t){ 1000 }, 50, &stream);
	run = readahead_widen(&ra, stream, run, (pgno_t){ 1000 }, 50);
	assert_true(run.first.v == 1000 && run.nr_pages == 50);
	readahead_taken(&ra, stream, run);
	run = readahead_plan(&ra, (pgno_t){ 1050 }, 1000, &stream);
	run = readahead_widen(&ra, stream, run, (pgno_t){ 1050 }, 1000);
	assert_true(run.first.v == 1050 && run.nr_pages == READAHEAD_MAX);
	readahead_taken(&ra, stream, run);
	/* Downwards, once that is seen. */
	fault(&ra, 500, 64);
	run = readahead_plan(&ra, (pgno_t){ 499 }, 64, &stream);
	run = readahead_widen(&ra, stream, run, (pgno_t){ 499 }, 64);
	assert_true(run.first.v == 436 && run.nr_pages == 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_ascending),
		cmocka_unit_test(test_descending),
		cmocka_unit_test(test_down_to_zero),
		cmocka_unit_test(test_random_faults_alone),
		cmocka_unit_test(test_interleaved_streams),
		cmocka_unit_test(test_widen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
