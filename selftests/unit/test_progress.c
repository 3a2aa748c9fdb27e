// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/progress.h"

#define MIB (1ULL << 20)

static void expect(const struct progress *p, uint64_t done, uint64_t total, const char *want)
{
	char text[128];

	progress_format(p, done, total, text, sizeof(text));
	assert_string_equal(text, want);
}

static void test_format(void **state)
{
	struct progress p = { .what = "detach 7" };

	(void)state;
	expect(&p, 0, 100 * MIB, "detach 7: 0B of 100.0M, 0%");
	p.rate = 10 * MIB;
	expect(&p, 25 * MIB, 100 * MIB, "detach 7: 25.0M of 100.0M, 25%, 10.0M/s, 0:08 left");
	p.rate = MIB / 2.0;
	expect(&p, 0, 100 * MIB, "detach 7: 0B of 100.0M, 0%, 512.0K/s, 3:20 left");
	p.rate = MIB / 100.0;
	expect(&p, 0, 100 * MIB, "detach 7: 0B of 100.0M, 0%, 10.2K/s, 2:46:40 left");
	/* Not over before it is. */
	p.rate = MIB;
	expect(&p, 100 * MIB - 1, 100 * MIB, "detach 7: 100.0M of 100.0M, 99%, 1.0M/s, 0:00 left");
	expect(&p, 100 * MIB, 100 * MIB, "detach 7: 100.0M of 100.0M, 100%, 1.0M/s, 0:00 left");
	expect(&p, 0, 0, "detach 7: 0B of 0B, 100%, 1.0M/s, 0:00 left");
}

/* What was asked less than a fifth of a second ago is not asked again; it may also fall. */
static void test_rate(void **state)
{
	struct progress p = { .what = "x", .on = true };

	(void)state;
	p.begin_ns = p.seen_ns = clock_ns();
	progress_show(&p, MIB, 100 * MIB);
	assert_true(p.rate == 0);
	p.seen_ns -= NS_PER_S;
	p.begin_ns = clock_ns(); /* not yet on a terminal */
	progress_show(&p, 10 * MIB, 100 * MIB);
	assert_true(p.rate > 0 && p.rate <= 10 * MIB);
	assert_int_equal(p.seen_bytes, 10 * MIB);
	p.seen_ns -= NS_PER_S;
	progress_show(&p, 5 * MIB, 100 * MIB);
	assert_true(p.rate > 0 && p.rate < 9 * MIB);
	assert_false(p.shown);
	/* More than there is cannot be done. */
	p.seen_ns -= NS_PER_S;
	progress_show(&p, 200 * MIB, 100 * MIB);
	assert_int_equal(p.seen_bytes, 100 * MIB);
}

/* Not on what is no terminal, nor on one that cannot go back. */
static void test_quiet(void **state)
{
	struct progress p;
	int err = dup(STDERR_FILENO), pipes[2];

	(void)state;
	setenv("TERM", "xterm", 1);
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	progress_begin(&p, "x");
	p.begin_ns = p.seen_ns -= 10 * NS_PER_S;
	progress_show(&p, MIB, 2 * MIB);
	progress_text(&p, "said");
	progress_end(&p);
	dup2(err, STDERR_FILENO);
	close(err);
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &p, 1), 0);
	close(pipes[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
