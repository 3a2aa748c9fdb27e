// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 200
 *
 * Children of forks that nobody has looked at when the daemon dies.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR 256 /* pages */

PAGER_FIXTURE(recover_child)

static bool right_or_bus(pid_t child)
{
	int status = status_of(child);

	return !status || status == TARGET_SIGNAL + SIGBUS;
}

/* What the flags of a child say is asked of its parent, too [F8]. */
static int set_by_child(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	/* All else stays, or the child would wait for that. */
	target_check(sh, !mlockall(MCL_CURRENT) && !munlock(p, NR * PAGE_SIZE));
	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_meet(sh, 2);
	child = fork();
	if (!child) {
		if (madvise(p, NR * PAGE_SIZE, MADV_WIPEONFORK))
			_exit(4);
		atomic_store(&sh->value[0], 1);
		while (atomic_load(&sh->go) < 3)
			sleep_us(500);
		_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
	}
	target_check(sh, right_or_bus(child));
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(recover_child, wipeonfork_set_by_the_child, 60)
{
	struct pager_options opt = { .disable = variant->disable,
				     .failpoints = "fork_applied=kill@1" };
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, set_by_child, TARGET_BUDGET);
	int status;

	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_EQ(0, pager_restart(pager, &opt));
	target_let(&t, 2);
	ASSERT_TRUE(wait_until(20, pager_ended(pager, &status)));
	wait_until(2, atomic_load(&t.share->value[0])); /* unless it waits for a page before that */
	opt.failpoints = NULL;
	target_let(&t, 3);
	ASSERT_EQ(0, pager_restart(pager, &opt));
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

#define MANY 1100 /* more than a thousand */

static int fork_many(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	static pid_t child[MANY];
	bool ok = true;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_meet(sh, 2);
	for (int i = 0; i < MANY; i++) {
		child[i] = fork();
		if (!child[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
		}
		ok &= child[i] > 0;
	}
	target_meet(sh, 3);
	/* They wait, or are dead: what nobody can give them they do not read. */
	for (int i = 0; i < MANY; i++) {
		int status = 0;

		if (waitpid(child[i], &status, WNOHANG) == child[i])
			ok &= !WIFEXITED(status) || !WEXITSTATUS(status);
	}
	for (int i = 0; i < MANY; i++)
		kill(child[i], SIGKILL);
	target_check(sh, ok);
	return 0;
}

/* Regression: those beyond 1,024 read zeros when the daemon that refused them was dead. */
TEST_F_TIMEOUT(recover_child, more_than_a_thousand_unserved, 100)
{
	char disable[64];
	struct pager_options opt = { .disable = disable, .failpoints = "fork_read=err:12" };
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, fork_many, TARGET_BUDGET);

	snprintf(disable, sizeof(disable), "poison%s%s", variant->disable ? "," : "",
		 variant->disable ? variant->disable : "");
	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_EQ(0, pager_restart(pager, &opt));
	target_let(&t, 2);
	EXPECT_TRUE(wait_until(60, atomic_load(&t.share->at) >= 3 || target_is_over(&t)));
	opt.failpoints = NULL;
	ASSERT_EQ(0, pager_restart(pager, &opt));
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

TEST_HARNESS_MAIN
