// SPDX-License-Identifier: GPL-2.0-only
/*
 * Children that cannot be taken on get SIGBUS where they need the swap area.
 * Regression: they waited until they were killed, and after a thousand of them
 * the daemon could never be stopped.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR 512 /* pages */

PAGER_FIXTURE_FAILING(refuse, "fork_read=err:12")

/* What it has itself it may use, also when the pager is gone. */
static int child_of(struct target_share *sh, const uint8_t *here, const uint8_t *far)
{
	uint8_t *fresh = memory_map(8);

	target_meet(sh, 2);
	memory_fill(fresh, 0, 8, 3);
	if (!memory_is(fresh, 0, 8, 3) || !memory_is(here, 0, 1, 2))
		return 4;
	return memory_page_is_zero(far) ? 5 : 6;
}

static int have_children(struct target_share *sh)
{
	uint8_t *far = memory_map(NR), *here = memory_map(1);
	pid_t child[4];

	memory_fill(far, 0, NR, 1);
	memory_fill(here, 0, 1, 2);
	target_check(sh, !mlock(here, PAGE_SIZE)); /* of the parent only */
	target_check(sh, memory_push_far(far, NR));
	for (uint64_t i = 0; i < 4; i++) {
		child[i] = fork();
		if (!child[i])
			_exit(child_of(sh, here, far + i * PAGE_SIZE));
	}
	target_check(sh, memory_is(far, 0, NR, 1));
	atomic_store(&sh->value[0], 1);
	for (int i = 0; i < 4; i++)
		target_check(sh, status_of(child[i]) == TARGET_SIGNAL + SIGBUS);
	target_check(sh, memory_is(far, 0, NR, 1) && memory_is(here, 0, 1, 2));
	return 0;
}

TEST_F_TIMEOUT(refuse, gets_sigbus, 60)
{
	struct target t = target_start(&self->pager, have_children, TARGET_BUDGET);

	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_TRUE(wait_until(20, atomic_load(&t.share->value[0])));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_TRUE(wait_until(5, pager_logged(&self->pager, "get SIGBUS")));
}

TEST_F_TIMEOUT(refuse, lives_on_without_the_pager, 60)
{
	struct target t = target_start(&self->pager, have_children, TARGET_BUDGET);

	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_TRUE(wait_until(20, atomic_load(&t.share->value[0])));
	EXPECT_EQ(0, pager_stop(&self->pager));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

#define BROOD 60

/* Each lives until all are there; SIGBUS is the worst that it may get. */
static int have_many(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child[BROOD];
	int right = 0;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	for (int i = 0; i < BROOD; i++) {
		child[i] = fork();
		if (!child[i]) {
			while (!atomic_load(&sh->value[0]))
				sleep_us(10000);
			_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
		}
		target_check(sh, child[i] > 0);
	}
	atomic_store(&sh->value[0], 1);
	for (int i = 0; i < BROOD; i++) {
		int status = status_of(child[i]);

		target_check(sh, !status || status == TARGET_SIGNAL + SIGBUS);
		right += !status;
	}
	target_check(sh, right);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

/* Regression: a fork waited until another process gave descriptors back. */
TEST(few_descriptors)
{
	struct pager_options opt = { .nofile = 64 };
	struct pager pager;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	EXPECT_EQ(0, target_run(&pager, have_many));
	EXPECT_EQ(0, pager_stop(&pager));
	pager_fini(&pager);
}

TEST_HARNESS_MAIN
