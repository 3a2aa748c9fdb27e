// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/types.h"
#include "seed.h"
#include "share/share.h"

#define NR_MAX 40

static struct claim claim[NR_MAX];
static struct claim *claims[NR_MAX];

static void reset(void)
{
	for (uint32_t i = 0; i < NR_MAX; i++) {
		claim[i] = (struct claim){ .max = UINT64_MAX, .weight = 1 };
		claims[i] = &claim[i];
	}
}

static void test_all_get_what_they_want(void **state)
{
	(void)state;
	reset();
	claim[0].want = 100;
	claim[1].want = 300;
	share_divide(claims, 2, 1000);
	/* And the rest is room to grow. */
	assert_int_equal(claim[0].due, 400);
	assert_int_equal(claim[1].due, 600);
	assert_int_equal(claim[0].share, 400);
	assert_int_equal(claim[1].share, 600);
}

static void test_who_wants_less_leaves_it_to_the_others(void **state)
{
	(void)state;
	reset();
	claim[0].want = 100;
	claim[1].want = 5000;
	claim[2].want = 5000;
	share_divide(claims, 3, 1000);
	assert_int_equal(claim[0].due, 100);
	assert_int_equal(claim[1].due, 450);
	assert_int_equal(claim[2].due, 450);
}

static void test_weights_divide(void **state)
{
	(void)state;
	reset();
	claim[0].want = claim[1].want = 5000;
	claim[1].weight = 3;
	share_divide(claims, 2, 1000);
	assert_int_equal(claim[0].due, 250);
	assert_int_equal(claim[1].due, 750);
}

static void test_floor_comes_first(void **state)
{
	(void)state;
	reset();
	claim[0].want = claim[0].floor = 300;
	claim[1].want = 5000;
	claim[1].weight = 99;
	share_divide(claims, 2, 1000);
	assert_int_equal(claim[0].due, 300);
	assert_int_equal(claim[1].due, 700);
}

static void test_max_is_kept(void **state)
{
	(void)state;
	reset();
	claim[0].want = 5000;
	claim[0].max = 200;
	share_divide(claims, 1, 1000);
	assert_int_equal(claim[0].share, 200);
}

/* What another still has cannot be had before that one has let go of it. */
static void test_a_share_grows_into_what_is_let_go(void **state)
{
	(void)state;
	reset();
	claim[0] = (struct claim){
		.want = 1000, .held = 1000, .share = 1000, .max = 1000, .weight = 1
	};
	claim[1].want = 1000;
	share_divide(claims, 2, 1000);
	assert_int_equal(claim[0].share, 500);
	assert_int_equal(claim[1].share, 0);
	claim[0].held = 800;
	share_divide(claims, 2, 1000);
	assert_int_equal(claim[1].share, 200);
	claim[0].held = 500;
	claim[1].held = 200;
	share_divide(claims, 2, 1000);
	assert_int_equal(claim[1].share, 500);
}

/*
 * Whatever they want and hold: dues and shares never add up to more than there
 * is, nobody's due is beyond his max, what is wanted is not kept back while
 * there is some, and in the end everybody has what he is due.
 */
static void test_random(void **state)
{
	uint64_t seed = seed_start(__func__);

	(void)state;
	for (int round = 0; round < 3000; round++) {
		uint32_t nr = 1 + seed_below(&seed, NR_MAX);
		uint64_t total = seed_below(&seed, 100000);

		reset();
		for (int step = 0; step < 8; step++) {
			uint64_t dues = 0, before = 0, after = 0, unmet = 0;

			for (uint32_t i = 0; i < nr; i++) {
				struct claim *c = &claim[i];

				if (!step) {
					c->weight = 1 + seed_below(&seed, 1000);
					c->held = seed_below(&seed, (uint32_t)(2 * total / nr + 1));
					c->want = seed_below(&seed, 10000);
					c->max = seed_below(&seed, 4) ? UINT64_MAX
								      : seed_below(&seed, 10000);
					c->floor = seed_below(&seed, 300);
				} else {
					/* It goes down as it is told, and grows as it may. */
					c->held = step < 6 && c->held > c->share
							  ? (c->held + c->share) / 2
							  : c->share;
				}
				before += max_t(uint64_t, c->held, c->share);
			}
			share_divide(claims, nr, total);
			for (uint32_t i = 0; i < nr; i++) {
				const struct claim *c = &claim[i];

				dues += c->due;
				after += max_t(uint64_t, c->held, c->share);
				unmet += c->due < min_t(uint64_t, c->want, c->max);
				assert_true(c->due <= c->max);
				assert_true(c->share <= c->due);
			}
			assert_true(dues <= total);
			assert_true(after <= max_t(uint64_t, before, total));
			if (unmet)
				assert_true(dues + nr >= total);
		}
		share_divide(claims, nr, total);
		for (uint32_t i = 0; i < nr; i++)
			assert_true(claim[i].share == claim[i].due);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_get_what_they_want),
		cmocka_unit_test(test_who_wants_less_leaves_it_to_the_others),
		cmocka_unit_test(test_weights_divide),
		cmocka_unit_test(test_floor_comes_first),
		cmocka_unit_test(test_max_is_kept),
		cmocka_unit_test(test_a_share_grows_into_what_is_let_go),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
