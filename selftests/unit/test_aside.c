// SPDX-License-Identifier: GPL-2.0-only
/* Events of several threads, told in other orders than they happened. */
#include "aside_fixture.h"

/* x has gone, to d or for good, and y has come there, which is told first. */
static void overtake(struct space_fixture *f, bool moved)
{
	put(f, AT_X, NR);
	put(f, AT_Y, NR);
	if (moved)
		remap(AT_X, AT_D, NR);
	remap(AT_Y, AT_X, NR);
	tell_remap(f, AT_Y, AT_X, NR);
}

/* x to d, and then y to x, which is told first. */
static void test_remap_after_remap(void **state)
{
	struct space_fixture *f = *state;

	overtake(f, true);
	apply(f);
	expect(f, AT_X, AT_Y, NR);
	expect_counts(f, 0, 0, 0, 2 * NR);
	tell_unmap(f, AT_Y, NR);
	tell_remap(f, AT_X, AT_D, NR);
	apply(f);
	expect(f, AT_D, AT_X, NR);
	expect(f, AT_X, AT_Y, NR);
	tell_unmap(f, AT_X, NR);
	apply(f);
	be_quiet(f);
	expect(f, AT_D, AT_X, NR);
	expect(f, AT_X, AT_Y, NR);
	expect_nothing(f, AT_Y, NR);
	expect_counts(f, 0, 0, 0, 2 * NR);
}

/* By the next batch both may be told, and by a daemon that does everything again. */
static void test_at_once(void **state)
{
	struct space_fixture *f = *state;

	overtake(f, true);
	tell_remap(f, AT_X, AT_D, NR);
	tell_unmap(f, AT_X, NR);
	tell_unmap(f, AT_Y, NR);
	apply(f);
	assert_false(aside_any(f->sp));
	expect(f, AT_D, AT_X, NR);
	expect(f, AT_X, AT_Y, NR);
	expect_nothing(f, AT_Y, NR);
	expect_counts(f, 0, 0, 0, 2 * NR);
}

static void test_twice(void **state)
{
	twice = true;
	test_at_once(state);
}

static void test_remap_after_unmap(void **state)
{
	struct space_fixture *f = *state;

	overtake(f, false);
	apply(f);
	tell_unmap(f, AT_X - 2, NR + 2); /* more went with it */
	apply(f);
	assert_false(aside_any(f->sp));
	expect(f, AT_X, AT_Y, NR);
	tell_unmap(f, AT_Y, NR);
	apply(f);
	expect(f, AT_X, AT_Y, NR);
	expect_counts(f, 0, 0, 0, NR);
	/* It is another's now. */
	set_mapped(AT_X, NR, false);
	tell_unmap(f, AT_X, NR);
	apply(f);
	expect_counts(f, 0, 0, 0, 0);
}

/* x to d, y to x, z to y: told the other way round. */
static void test_three(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, NR);
	put(f, AT_Y, NR);
	put(f, AT_Z, NR);
	remap(AT_X, AT_D, NR);
	remap(AT_Y, AT_X, NR);
	remap(AT_Z, AT_Y, NR);
	tell_remap(f, AT_Z, AT_Y, NR);
	tell_remap(f, AT_Y, AT_X, NR);
	tell_remap(f, AT_X, AT_D, NR);
	tell_unmap(f, AT_Z, NR);
	tell_unmap(f, AT_Y, NR);
	tell_unmap(f, AT_X, NR);
	apply(f);
	be_quiet(f);
	expect(f, AT_D, AT_X, NR);
	expect(f, AT_X, AT_Y, NR);
	expect(f, AT_Y, AT_Z, NR);
	expect_nothing(f, AT_Z, NR);
	expect_counts(f, 0, 0, 0, 3 * NR);
}

/* What was there went in two parts, by two threads. */
static void test_parts(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, 2 * NR);
	put(f, AT_Y, 2 * NR);
	remap(AT_X, AT_D, NR);
	set_mapped(AT_X + NR, NR, false);
	remap(AT_Y, AT_X, 2 * NR);
	tell_remap(f, AT_Y, AT_X, 2 * NR);
	tell_remap(f, AT_X, AT_D, NR);
	tell_unmap(f, AT_X, NR);
	tell_unmap(f, AT_X + NR, NR);
	apply(f);
	be_quiet(f);
	expect(f, AT_D, AT_X, NR);
	expect(f, AT_X, AT_Y, 2 * NR);
	expect_counts(f, 0, 0, 0, 3 * NR);
}

/* A part of what came goes again first: the rest is known to be what came. */
static void test_part_unmapped(void **state)
{
	struct space_fixture *f = *state;

	overtake(f, false);
	apply(f);
	set_mapped(AT_X, 1, false);
	tell_unmap(f, AT_X, 1);
	tell_unmap(f, AT_X, NR);
	apply(f);
	assert_false(aside_any(f->sp));
	expect_nothing(f, AT_X, 1);
	expect(f, AT_X + 1, AT_Y + 1, NR - 1);
}

/* A part of what was there had never been touched: what came there stays. */
static void test_untouched(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X + 1, 1);
	put(f, AT_Y, NR);
	remap(AT_X, AT_D, NR);
	remap(AT_Y, AT_X, NR);
	tell_remap(f, AT_Y, AT_X, NR);
	tell_remap(f, AT_X, AT_D, NR);
	apply(f);
	expect(f, AT_X, AT_Y, NR);
	expect_nothing(f, AT_D, 1);
	expect(f, AT_D + 1, AT_X + 1, 1);
	expect_nothing(f, AT_D + 2, NR - 2);
}

/* Nothing is asked for any more: it goes. */
static void test_leftover(void **state)
{
	struct space_fixture *f = *state;

	overtake(f, false);
	tell_unmap(f, AT_Y, NR);
	apply(f);
	expect_counts(f, 0, 0, 0, 2 * NR);
	be_quiet(f);
	expect(f, AT_X, AT_Y, NR);
	expect_counts(f, 0, 0, 0, NR);
	unread = true;
	remap(AT_X, AT_E, NR);
	tell_remap(f, AT_X, AT_E, NR);
	apply(f);
	expect(f, AT_E, AT_Y, NR);
}

/* What came went on, too, before what had been there is told of: which is which? */
static void test_lost(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, NR - 1);
	put(f, AT_Y + 1, NR - 1);
	remap(AT_X, AT_D, NR);
	remap(AT_Y, AT_X, NR);
	tell_remap(f, AT_Y, AT_X, NR);
	tell_unmap(f, AT_Y, NR);
	apply(f);
	remap(AT_X, AT_E, NR);
	tell_remap(f, AT_X, AT_E, NR);
	apply(f);
	tell_remap(f, AT_X, AT_D, NR);
	apply(f);
	expect_state(f, AT_D, NR, PAGE_LOST);
	expect_state(f, AT_E, NR, PAGE_LOST);
	expect_counts(f, 0, 0, 0, 0);
}

/* It stays lost where a daemon dies in between: what went is not looked for aside. */
static void test_lost_twice(void **state)
{
	struct space_fixture *f = *state;

	twice = true;
	overtake(f, false);
	apply(f);
	set_mapped(AT_X, NR, false);
	tell_unmap(f, AT_X, NR);
	apply(f);
	expect_nothing(f, AT_X, NR);
	tell_remap(f, AT_X, AT_D, NR);
	apply(f);
	expect_state(f, AT_D, NR, PAGE_LOST);
}

/* One thread alone is overtaken by nobody: what is there is from before something went wrong. */
static void test_alone(void **state)
{
	struct space_fixture *f = *state;
	int dir = f->sp->process.task_dir_fd;

	overtake(f, false);
	f->sp->process.task_dir_fd = open("/proc/self/task", O_PATH | O_DIRECTORY);
	apply(f);
	close(f->sp->process.task_dir_fd);
	f->sp->process.task_dir_fd = dir;
	assert_false(aside_any(f->sp));
	expect(f, AT_X, AT_Y, NR);
	expect_counts(f, 0, 0, 0, NR);
}

/* Who was overtaken has ended since both were told. */
static void test_has_ended(void **state)
{
	struct space_fixture *f = *state;
	int dir = f->sp->process.task_dir_fd;

	overtake(f, true);
	tell_remap(f, AT_X, AT_D, NR);
	f->sp->process.task_dir_fd = open("/proc/self/task", O_PATH | O_DIRECTORY);
	apply(f);
	close(f->sp->process.task_dir_fd);
	f->sp->process.task_dir_fd = dir;
	expect(f, AT_D, AT_X, NR);
	expect(f, AT_X, AT_Y, NR);
}

/* A child shares what its parent has aside, and its own events are never about it. */
static void test_child(void **state)
{
	struct space_fixture *f = *state;

	overtake(f, false);
	apply(f);
	aside_inherit(f->sp, f->sp);
	remap(AT_X, AT_E, NR);
	tell_remap(f, AT_X, AT_E, NR);
	apply(f);
	expect(f, AT_E, AT_Y, NR);
	be_quiet(f);
	expect_counts(f, 0, 0, 0, NR);
}

#define ASIDE_TEST(name) cmocka_unit_test_setup_teardown(name, aside_setup, space_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASIDE_TEST(test_remap_after_remap),
		ASIDE_TEST(test_at_once),
		ASIDE_TEST(test_twice),
		ASIDE_TEST(test_remap_after_unmap),
		ASIDE_TEST(test_three),
		ASIDE_TEST(test_parts),
		ASIDE_TEST(test_part_unmapped),
		ASIDE_TEST(test_untouched),
		ASIDE_TEST(test_leftover),
		ASIDE_TEST(test_lost),
		ASIDE_TEST(test_lost_twice),
		ASIDE_TEST(test_alone),
		ASIDE_TEST(test_has_ended),
		ASIDE_TEST(test_child),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
