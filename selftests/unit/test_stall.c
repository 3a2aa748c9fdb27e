// SPDX-License-Identifier: GPL-2.0-only
/* How long programs wait, and what share of the time that is. */
#include "space_fixture.h"

#include <math.h>

#include "life/pressure.h"
#include "memory/stall_space.h"

#define S NS_PER_S

static void test_clock(void **state)
{
	struct stall st = { 0 };
	uint64_t now = clock_ns();

	(void)state;
	assert_int_equal(stall_ns(&st), 0);
	stall_start(&st, now - 5 * S);
	assert_true(stall_runs(&st));
	assert_true(stall_ns(&st) >= 5 * S);
	stall_stop(&st, now - 2 * S);
	assert_false(stall_runs(&st));
	assert_int_equal(stall_ns(&st), 3 * S);
	stall_start(&st, now - S);
	assert_true(stall_ns(&st) >= 4 * S);
	stall_stop(&st, now - S);
	assert_int_equal(stall_ns(&st), 3 * S);
}

/* However many wait, the time counts once; as long as one does, it goes on. */
static void test_of_all(void **state)
{
	struct space_fixture *f = *state;
	struct event_slot events;
	struct space *a = f->sp, *b = space_new(2, -1, &events);
	uint64_t now = clock_ns();

	a->worker.deferred.nr_waits = 2;
	stall_begin(&f->pg, a, now - 9 * S);
	stall_begin(&f->pg, a, now - 8 * S); /* it runs already */
	b->worker.nr_waited_reads = 1;
	stall_begin(&f->pg, b, now - 5 * S);
	a->worker.deferred.nr_waits = 1;
	stall_look(&f->pg, a);
	assert_true(stall_runs(&a->stall));
	a->worker.deferred.nr_waits = 0;
	stall_look(&f->pg, a);
	assert_false(stall_runs(&a->stall));
	assert_true(stall_ns(&a->stall) >= 9 * S);
	assert_true(stall_runs(&f->pg.stall));
	/* Who waited in a space that is let go of does not any more. */
	b->phase = SPACE_CLOSING;
	stall_look(&f->pg, b);
	assert_false(stall_runs(&f->pg.stall));
	assert_int_equal(f->pg.worker.nr_stalled, 0);
	assert_true(stall_ns(&b->stall) >= 5 * S);
	assert_true(stall_ns(&f->pg.stall) >= 9 * S);
	assert_true(stall_ns(&f->pg.stall) < stall_ns(&a->stall) + stall_ns(&b->stall));
	space_free(b);
}

static double decay(double window_s)
{
	return exp(-2 / window_s);
}

static void expect(uint32_t hundredths, double percent)
{
	/* The kernel's constants have three digits. */
	assert_true(fabs(hundredths / 100.0 - percent) < 0.2);
}

static void expect_averages(const struct pressure *pr, double v10, double v60, double v300)
{
	expect(pressure_avg(pr, PRESSURE_10S), v10);
	expect(pressure_avg(pr, PRESSURE_60S), v60);
	expect(pressure_avg(pr, PRESSURE_300S), v300);
}

/* Half of the time for a while, then none: against the formula itself. */
static void test_averages(void **state)
{
	struct pressure pr = { 0 };
	uint64_t now = 1000 * S, total = 0;
	double v[3] = { 0 }, d[3] = { decay(10), decay(60), decay(300) };

	(void)state;
	pressure_look(&pr, 0, now);
	for (int period = 1; period <= 40; period++) {
		double sample = period <= 20 ? 50 : 0;

		for (int i = 0; i < 3; i++)
			v[i] = v[i] * d[i] + sample * (1 - d[i]);
		total += period <= 20 ? S : 0;
		now += S;
		pressure_look(&pr, total, now); /* in between: nothing happens */
		now += S;
		pressure_look(&pr, total, now);
		expect_averages(&pr, v[0], v[1], v[2]);
	}
}

/* The whole time: 100 percent in the end, and never more. */
static void test_whole(void **state)
{
	struct pressure pr = { 0 };
	uint64_t now = S;

	(void)state;
	pressure_look(&pr, 0, now);
	for (int period = 1; period <= 2000; period++) {
		/* What was read of the total may be of a moment later than the look. */
		pressure_look(&pr, (uint64_t)period * 2 * S + S / 10,
			      now + (uint64_t)period * 2 * S);
		assert_true(pressure_avg(&pr, PRESSURE_10S) <= 10000);
	}
	expect_averages(&pr, 100, 100, 100);
}

/* Nobody looked for an hour: it is all past, but for what came in the last period. */
static void test_missed(void **state)
{
	struct pressure pr = { 0 };
	uint64_t now = S;

	(void)state;
	pressure_look(&pr, 0, now);
	for (int period = 1; period <= 100; period++)
		pressure_look(&pr, (uint64_t)period * 2 * S, now += 2 * S);
	pressure_look(&pr, 200 * S, now += 3600 * S);
	expect_averages(&pr, 0, 0, 0);
	pressure_look(&pr, 202 * S, now += 7 * S);
	/* 2 s of the 3 since the two periods that were missed. */
	expect_averages(&pr, 66.67 * (1 - decay(10)), 66.67 * (1 - decay(60)),
			66.67 * (1 - decay(300)));
}

/* Regression guard for the sum: what does not fit into a period is not lost. */
static void test_overflow_is_kept(void **state)
{
	struct pressure pr = { 0 };

	(void)state;
	pressure_look(&pr, 0, S);
	pressure_look(&pr, 3 * S, 3 * S);
	assert_int_equal(pr.seen_ns, 2 * S);
	pressure_look(&pr, 3 * S, 5 * S);
	assert_int_equal(pr.seen_ns, 3 * S);
}

/* The worker may have stopped the clock a moment before it was read as running. */
static void test_never_falls(void **state)
{
	struct pressure pr = { 0 };

	(void)state;
	pressure_look(&pr, 0, S);
	pressure_look(&pr, S + 5, 3 * S);
	pressure_look(&pr, S, 4 * S);
	assert_int_equal(pr.total_ns, S + 5);
	pressure_look(&pr, S, 5 * S);
	expect_averages(&pr, 50 * (1 - decay(10)) * decay(10), 50 * (1 - decay(60)) * decay(60),
			50 * (1 - decay(300)) * decay(300));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock),	    SPACE_TEST(test_of_all),
		cmocka_unit_test(test_averages),    cmocka_unit_test(test_whole),
		cmocka_unit_test(test_missed),	    cmocka_unit_test(test_overflow_is_kept),
		cmocka_unit_test(test_never_falls),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
