// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a fork's child has inherited, when it changes what forks inherit before
 * anybody has looked at it: it reads what is right, or gets SIGBUS [F8].
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR	256 /* pages */
/* The daemon looks for a child that touches nothing after 100 ms. */
#define LOOK_US 600000

PAGER_FIXTURE(inherit)

static bool right_or_bus(pid_t child)
{
	int status = status_of(child);

	return !status || status == TARGET_SIGNAL + SIGBUS;
}

static int set_by_child(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	child = fork();
	if (!child) {
		if (madvise(p, NR * PAGE_SIZE, MADV_WIPEONFORK))
			_exit(4);
		sleep_us(LOOK_US);
		_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
	}
	target_check(sh, right_or_bus(child));
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(inherit, wipeonfork_set_by_the_child, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, set_by_child));
}

static int cleared_by_child(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	target_check(sh, !madvise(p, NR * PAGE_SIZE, MADV_WIPEONFORK));
	target_check(sh, memory_push_far(p, NR));
	child = fork();
	if (!child) {
		if (madvise(p, NR * PAGE_SIZE, MADV_KEEPONFORK))
			_exit(4);
		sleep_us(LOOK_US);
		_exit(memory_is_zero(p, 0, NR) ? 0 : 3);
	}
	target_check(sh, right_or_bus(child));
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(inherit, wipeonfork_cleared_by_the_child, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, cleared_by_child));
}

/* Regression: SIGBUS, though what is present tells that all was handed on. */
static int wiped_later(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, memory_is(p, 0, NR / 4, 1));
	child = fork();
	if (!child) {
		sleep_us(LOOK_US);
		_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
	}
	target_check(sh, !madvise(p, NR * PAGE_SIZE, MADV_WIPEONFORK));
	target_check(sh, !status_of(child));
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(inherit, wipeonfork_set_by_the_parent_later, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, wiped_later));
}

/* What a child has touched itself is present, and says nothing of what it was given. */
static int kept_later(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR / 2, 1);
	target_check(sh, !madvise(p, NR * PAGE_SIZE, MADV_WIPEONFORK));
	target_check(sh, memory_push_far(p, NR / 2));
	child = fork();
	if (!child) {
		memory_fill(p, NR - 1, NR, 2);
		sleep_us(LOOK_US);
		_exit(memory_is_zero(p, 0, NR / 2) && memory_is(p, NR - 1, NR, 2) ? 0 : 3);
	}
	target_check(sh, !madvise(p, NR * PAGE_SIZE, MADV_KEEPONFORK));
	target_check(sh, right_or_bus(child));
	target_check(sh, memory_is(p, 0, NR / 2, 1));
	return 0;
}

TEST_F_TIMEOUT(inherit, wipeonfork_cleared_by_the_parent_later, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, kept_later));
}

/* A parent may withhold from later forks what an earlier one has inherited. */
static int withheld_later(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	child = fork();
	if (!child) {
		sleep_us(LOOK_US);
		_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
	}
	target_check(sh, !madvise(p, NR * PAGE_SIZE, MADV_DONTFORK));
	target_check(sh, !status_of(child));
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(inherit, dontfork_set_by_the_parent_later, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, withheld_later));
}

/* The parent's mappings are other ones by the time that they are looked at: they tell nothing. */
static int unmapped_by_parent(struct target_share *sh)
{
	uint8_t *p = memory_map(NR), *q = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	memory_fill(q, 0, NR, 2);
	target_check(sh, memory_push_far(p, NR) && memory_push_out(q, NR));
	child = fork();
	if (!child) {
		sleep_us(LOOK_US);
		_exit(memory_is(p, 0, NR, 1) && memory_is(q, 0, NR, 2) ? 0 : 3);
	}
	target_check(sh, mmap(p, NR * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	target_check(sh, !madvise(p, NR * PAGE_SIZE, MADV_WIPEONFORK));
	target_check(sh, !status_of(child));
	target_check(sh, memory_is(q, 0, NR, 2));
	return 0;
}

TEST_F_TIMEOUT(inherit, parent_maps_something_else, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, unmapped_by_parent));
}

TEST_HARNESS_MAIN
