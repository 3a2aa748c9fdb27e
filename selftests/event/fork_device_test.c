// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regression: a fork waited until all that its parent had in standby was on the
 * device, and so did every fault of the parent.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

/* Pages; some more than the budget, which standby has room for. */
#define NR   1024
#define OVER 192

/* From some write on none ever comes back. */
#define NO_WRITE "store_write=err:115@2-1000000"
#define PATIENCE "600"

FIXTURE(fork_device)
{
	struct pager pager;
	struct pager_options opt;
	char failpoints[128];
	struct target t;
};

FIXTURE_VARIANT(fork_device)
{
	const char *disable;
};

FIXTURE_VARIANT_ADD(fork_device, move){ .disable = NULL };
FIXTURE_VARIANT_ADD(fork_device, stopped){ .disable = "move" };

FIXTURE_SETUP(fork_device)
{
	self->opt = (struct pager_options){ .disable = variant->disable,
					    .args = { "--io-timeout", PATIENCE } };
}

PAGER_TEARDOWN(fork_device)

static bool start(FIXTURE_DATA(fork_device) * self, target_fn fn, const char *more)
{
	snprintf(self->failpoints, sizeof(self->failpoints), NO_WRITE "%s", more);
	self->opt.failpoints = self->failpoints;
	if (pager_start(&self->pager, &self->opt))
		return false;
	self->t = target_start(&self->pager, fn, TARGET_BUDGET);
	return true;
}

/* Twice, the second time by a child; all have what is in the pool of the first. */
static int fork_on(struct target_share *sh)
{
	uint8_t *p = memory_map(NR + OVER), *more;
	pid_t child, grandchild;

	memory_fill(p, 0, NR + OVER, 1);
	target_check(sh, wait_until(20, memory_resident(p, NR + OVER) < NR + OVER));
	target_meet(sh, 2);
	child = fork();
	if (!child) {
		grandchild = fork();
		if (!grandchild)
			_exit(memory_is(p, 0, NR + OVER, 1) ? 0 : 3);
		_exit(status_of(grandchild) ? 4 : memory_is(p, 0, NR + OVER, 1) ? 0 : 5);
	}
	more = memory_map(1);
	memory_fill(more, 0, 1, 2);
	target_check(sh, memory_is(p, 0, NR + OVER, 1));
	target_check(sh, status_of(child) == 0);
	target_check(sh, memory_is(more, 0, 1, 2));
	return 0;
}

TEST_F_TIMEOUT(fork_device, waits_for_no_write, 90)
{
	ASSERT_TRUE(start(self, fork_on, ""));
	ASSERT_TRUE(target_reached(&self->t, 2));
	target_let(&self->t, 2);
	EXPECT_EQ(0, target_end(&self->t));
}

/* What was copied is in the pool of a child that nobody knows yet, or of none. */
static void die_at(struct __test_metadata *_metadata, FIXTURE_DATA(fork_device) * self,
		   const char *more)
{
	int status;

	ASSERT_TRUE(start(self, fork_on, more));
	ASSERT_TRUE(target_reached(&self->t, 2));
	target_let(&self->t, 2);
	ASSERT_TRUE(wait_until(20, pager_ended(&self->pager, &status)));
	self->opt.failpoints = NULL;
	ASSERT_EQ(0, pager_restart(&self->pager, &self->opt));
	EXPECT_EQ(0, target_end(&self->t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(fork_device, dies_before_the_copies, 90)
{
	die_at(_metadata, self, ",fork_shared=kill@1");
}

TEST_F_TIMEOUT(fork_device, dies_with_the_copies, 90)
{
	die_at(_metadata, self, ",fork_applied=kill@1");
}

TEST_F_TIMEOUT(fork_device, dies_after_the_second_fork, 90)
{
	die_at(_metadata, self, ",fork_applied=kill@2");
}

TEST_HARNESS_MAIN
