// SPDX-License-Identifier: GPL-2.0-only
/* Programs that are replaced, many children, and forks when nothing can be written. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR 512 /* pages */

PAGER_FIXTURE(exec)

/* Everything that a program had is free again: no agent keeps its memory alive. */
static bool pager_is_empty(struct pager *pg)
{
	struct upager_record rec;

	return !upager_ping(pg->client, &rec) && rec.slots_free == rec.slots_total;
}

static int replace(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	execl("/bin/sleep", "sleep", "60", NULL);
	return 99;
}

TEST_F_TIMEOUT(exec, program_is_replaced, 100)
{
	struct target t = target_start(&self->pager, replace, TARGET_BUDGET);

	EXPECT_TRUE(wait_until(30, pager_status(&self->pager, t.pid).swapped_bytes > MIB));
	EXPECT_TRUE(wait_until(40, pager_is_empty(&self->pager)));
	EXPECT_FALSE(target_is_over(&t));
	EXPECT_EQ(TARGET_SIGNAL + SIGKILL, target_kill(&t));
}

static int breed(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	for (uint64_t i = 0; i < 200; i++) {
		pid_t child = fork();

		if (!child)
			_exit(memory_page_is(p + i % NR * PAGE_SIZE, 1, i % NR) ? 0 : 3);
		target_check(sh, status_of(child) == 0);
		if (i % 50 == 0)
			memory_press();
	}
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(exec, two_hundred_children, 90)
{
	struct target t = target_start(&self->pager, breed, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 80));
	EXPECT_TRUE(wait_until(20, pager_is_empty(&self->pager)));
}

/* Pages that are shared with a child, or once were, can leave like any other. */
static int share(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	child = fork();
	if (!child) {
		while (!atomic_load(&sh->value[0]))
			sleep_us(500);
		_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
	}
	target_check(sh, memory_push_out(p, NR));
	atomic_store(&sh->value[0], 1);
	target_check(sh, status_of(child) == 0);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(exec, shared_pages_leave, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, share));
}

/* F11: nothing reaches the device: a child gets copies. */
static int fork_unwritten(struct target_share *sh)
{
	uint8_t *p = memory_map(2 * NR);
	pid_t child;

	memory_fill(p, 0, 2 * NR, 1);
	memory_press_on();
	child = fork();
	if (!child) {
		if (!memory_is(p, 0, 2 * NR, 1))
			_exit(3);
		memory_fill(p, 0, NR, 2);
		_exit(memory_is(p, 0, NR, 2) ? 0 : 4);
	}
	target_check(sh, status_of(child) == 0);
	target_check(sh, memory_is(p, 0, 2 * NR, 1));
	return 0;
}

TEST(fork_while_writes_fail)
{
	struct pager_options opt = { .failpoints = "store_write=err:5" };
	struct pager pager;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	EXPECT_EQ(0, target_run(&pager, fork_unwritten));
	pager_fini(&pager);
}

TEST(fork_while_area_is_full)
{
	struct pager_options opt = { .area_bytes = 4 * MIB };
	struct pager pager;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	EXPECT_EQ(0, target_run(&pager, fork_unwritten));
	EXPECT_TRUE(pager_logged(&pager, "swap areas are full"));
	pager_fini(&pager);
}

TEST_HARNESS_MAIN
