// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory/quarantine.h"
#include "seed.h"

#define PAGES 500

/* Per page when a REMOVE that covers it was read last. */
static uint64_t read_ns[PAGES];

/* A page that might still be zapped is never let out; when all is safe, nothing is left. */
static void test_random_against_model(void **state)
{
	uint64_t seed = seed_start(__func__), now_ns = 1000, safe_ns = 0;
	struct quarantine q = { 0 };

	(void)state;
	for (int step = 0; step < 100000; step++) {
		uint32_t nr = 1 + seed_below(&seed, seed_below(&seed, 5) ? 4 : PAGES);
		uint32_t first = seed_below(&seed, PAGES - nr + 1);

		now_ns += seed_below(&seed, 3);
		if (seed_below(&seed, step / 1000 % 2 ? 5 : 200)) {
			quarantine_add(&q, (pgno_t){ first }, (pgno_t){ first + nr }, now_ns);
			for (uint32_t i = 0; i < nr; i++)
				read_ns[first + i] = now_ns;
		} else {
			safe_ns = max_t(uint64_t, safe_ns, now_ns - seed_below(&seed, 200));
			quarantine_release(&q, safe_ns);
		}
		for (uint32_t n = 0; n < 10; n++) {
			uint32_t i = seed_below(&seed, PAGES);

			if (read_ns[i] && read_ns[i] >= safe_ns)
				assert_true(quarantine_contains(&q, (pgno_t){ i }));
		}
		if (seed_below(&seed, 1000) == 0) {
			safe_ns = now_ns + 1;
			quarantine_release(&q, safe_ns);
			assert_true(quarantine_empty(&q));
			for (uint32_t i = 0; i < PAGES; i++)
				assert_false(quarantine_contains(&q, (pgno_t){ i }));
		}
	}
}

/* Ranges that are not too many are kept exactly, each for its own time. */
static void test_exact(void **state)
{
	struct quarantine q = { 0 };

	(void)state;
	assert_true(quarantine_empty(&q));
	for (uint64_t n = 0; n < QUARANTINE_RANGES; n++)
		quarantine_add(&q, (pgno_t){ 10 * n }, (pgno_t){ 10 * n + 3 }, 1 + n);
	for (uint64_t safe = 1; safe <= QUARANTINE_RANGES + 1; safe++) {
		quarantine_release(&q, safe);
		for (uint64_t page = 0; page < 10 * QUARANTINE_RANGES; page++)
			assert_int_equal(quarantine_contains(&q, (pgno_t){ page }),
					 page % 10 < 3 && 1 + page / 10 >= safe);
		assert_int_equal(quarantine_empty(&q), safe > QUARANTINE_RANGES);
	}
}

/* A program that drops the same range for ever takes one place. */
static void test_same_range(void **state)
{
	struct quarantine q = { 0 };

	(void)state;
	for (uint64_t n = 1; n <= 10 * QUARANTINE_RANGES; n++)
		quarantine_add(&q, (pgno_t){ 100 }, (pgno_t){ 200 }, n);
	quarantine_add(&q, (pgno_t){ 120 }, (pgno_t){ 130 }, 10 * QUARANTINE_RANGES + 1);
	assert_true(quarantine_contains(&q, (pgno_t){ 100 }));
	assert_false(quarantine_contains(&q, (pgno_t){ 99 }));
	assert_false(quarantine_contains(&q, (pgno_t){ 200 }));
	/* The part was read later than the whole. */
	quarantine_release(&q, 10 * QUARANTINE_RANGES + 1);
	assert_true(quarantine_contains(&q, (pgno_t){ 125 }));
	quarantine_release(&q, 10 * QUARANTINE_RANGES + 2);
	assert_true(quarantine_empty(&q));
}

/* One too many: everything, until the last that was read is safe. */
static void test_overflow(void **state)
{
	struct quarantine q = { 0 };

	(void)state;
	for (uint64_t n = 0; n <= QUARANTINE_RANGES; n++)
		quarantine_add(&q, (pgno_t){ 10 * n }, (pgno_t){ 10 * n + 1 }, 100 + n);
	for (uint64_t page = 0; page < 2000; page++)
		assert_true(quarantine_contains(&q, (pgno_t){ page }));
	quarantine_release(&q, 100 + QUARANTINE_RANGES);
	assert_true(quarantine_contains(&q, (pgno_t){ 5 }));
	assert_false(quarantine_empty(&q));
	quarantine_release(&q, 101 + QUARANTINE_RANGES);
	assert_true(quarantine_empty(&q));
	assert_false(quarantine_contains(&q, (pgno_t){ 5 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_against_model),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_same_range),
		cmocka_unit_test(test_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
