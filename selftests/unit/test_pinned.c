// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evict/pinned.h"
#include "seed.h"
#include "uapi/upager.h"

#define PAGES	 40000u
#define RUNS_MAX 128u
#define AGENT	 4711

/* The module of this test: what it holds, and what it answers. */
static uint8_t held[PAGES];
static uint8_t asked_of[PAGES];
static uint32_t nr_asked;
static int answer;

int module_pinned(struct module *m, pid_t pid, struct run run, uint64_t *bits)
{
	assert_non_null(m);
	assert_int_equal(pid, AGENT);
	assert_in_range(run.nr_pages, 1, UPAGER_PINNED_PAGES_MAX);
	assert_true(run.first.v + run.nr_pages <= PAGES);
	nr_asked++;
	if (answer)
		return answer;
	memset(bits, 0, (run.nr_pages + 63) / 64 * sizeof(*bits));
	for (uint32_t i = 0; i < run.nr_pages; i++) {
		bits[i / 64] |= (uint64_t)held[run.first.v + i] << i % 64;
		asked_of[run.first.v + i] = 1;
	}
	return 0;
}

void module_close(struct module *m)
{
	assert_non_null(m);
}

static uint64_t seed;
static struct pager pager;
static struct space space = { .agent.pid = AGENT };

static void start(int err)
{
	pager.pinned = calloc(1, sizeof(*pager.pinned));
	assert_non_null(pager.pinned);
	memset(asked_of, 0, sizeof(asked_of));
	nr_asked = 0;
	answer = err;
}

static void stop(void)
{
	free(pager.pinned);
	pager.pinned = NULL;
}

/* Sometimes empty: what was not there any more when it was to be protected. */
static uint32_t random_runs(struct run *runs)
{
	uint64_t at = seed_below(&seed, 4000);
	uint32_t nr = 0;

	while (nr < RUNS_MAX) {
		uint32_t pages = seed_below(&seed, 65);

		if (at + pages > PAGES)
			break;
		runs[nr++] = (struct run){ { at }, pages };
		at += pages + seed_below(&seed, seed_below(&seed, 8) ? 100 : 9000);
	}
	return nr;
}

static void test_random_runs(void **state)
{
	struct run runs[RUNS_MAX];
	uint64_t masks[RUNS_MAX];

	(void)state;
	seed = seed_start(__func__);
	for (int round = 0; round < 300; round++) {
		uint32_t nr = random_runs(runs);

		for (uint32_t n = 0; n < PAGES; n++)
			held[n] = !seed_below(&seed, 5);
		start(0);
		pinned_find(&pager, &space, runs, nr, masks);
		assert_true(nr_asked <= nr);
		for (uint32_t n = 0; n < nr; n++)
			for (uint32_t i = 0; i < runs[n].nr_pages; i++) {
				assert_true(asked_of[runs[n].first.v + i]);
				assert_int_equal(masks[n] >> i & 1, held[runs[n].first.v + i]);
			}
		stop();
	}
}

/* The clock goes round: what comes next may lie below. */
static void test_any_order(void **state)
{
	const struct run runs[] = {
		{ { 9000 }, 2 }, { { 100 }, 3 }, { { 9010 }, 1 }, { { 50 }, 64 }
	};
	uint64_t masks[4];

	(void)state;
	memset(held, 0, sizeof(held));
	held[9001] = held[102] = held[50] = held[113] = 1;
	start(0);
	pinned_find(&pager, &space, runs, 4, masks);
	assert_int_equal(masks[0], 2);
	assert_int_equal(masks[1], 4);
	assert_int_equal(masks[2], 0);
	assert_int_equal(masks[3], 1 | 1ULL << 52 | 1ULL << 63);
	stop();
}

static void test_neighbours_in_one_question(void **state)
{
	struct run runs[64];
	uint64_t masks[64];

	(void)state;
	for (uint32_t n = 0; n < 64; n++)
		runs[n] = (struct run){ { 1000 + n * 60 }, 30 };
	start(0);
	pinned_find(&pager, &space, runs, 64, masks);
	assert_int_equal(nr_asked, 1);
	stop();
}

/* What could not be told stays. */
static void test_failure_holds_all(void **state)
{
	const struct run runs[] = { { { 1 }, 2 }, { { 30000 }, 3 } };
	uint64_t masks[2];

	(void)state;
	start(-EINTR);
	pinned_find(&pager, &space, runs, 2, masks);
	assert_int_equal(masks[0] & 3, 3);
	assert_int_equal(masks[1] & 7, 7);
	assert_non_null(pager.pinned);
	stop();
}

static void test_unloaded(void **state)
{
	static const int errors[] = { -ENOENT, -EPERM, -EOPNOTSUPP };
	const struct run runs[] = { { { 1 }, 2 }, { { 30000 }, 3 } };
	uint64_t masks[2];

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		start(errors[i]);
		memset(masks, 0xff, sizeof(masks));
		pinned_find(&pager, &space, runs, 2, masks);
		assert_int_equal(masks[0], 0);
		assert_int_equal(masks[1], 0);
		assert_null(pager.pinned);
		assert_int_equal(nr_asked, 1);
		/* And asks no more. */
		pinned_find(&pager, &space, runs, 2, masks);
		assert_int_equal(nr_asked, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_runs),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_neighbours_in_one_question),
		cmocka_unit_test(test_failure_holds_all),
		cmocka_unit_test(test_unloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
