// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * The daemon is killed; another one with the same areas and state takes over, and
 * programs go on with all they had.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR 3072ULL /* pages: three times the budget */

PAGER_FIXTURE(recover)

static int sit_and_go_on(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_is(p, 0, NR, 1)); /* all have slots, some are dirty again */
	memory_fill(p, NR / 2, NR / 2 + 100, 2);
	for (uint32_t step = 2; step < 4; step++) {
		target_meet(sh, step);
		target_check(sh, memory_is(p, 0, NR / 2, step - 1));
		target_check(sh, memory_is(p, NR / 2, NR / 2 + 100, 2));
		memory_fill(p, 0, NR / 2, step);
		target_check(sh, memory_is(p, NR / 2 + 100, NR, 1));
		target_check(sh, memory_is(p, 0, NR / 2, step));
	}
	target_meet(sh, 4);
	target_check(sh, memory_is(p, 0, NR / 2, 3));
	target_check(sh, memory_is(p, NR / 2 + 100, NR, 1));
	return 0;
}

static int again(struct pager *pager, const char *disable)
{
	return pager_restart(pager, &(struct pager_options){ .disable = disable });
}

TEST_F_TIMEOUT(recover, program_goes_on, 60)
{
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, sit_and_go_on, TARGET_BUDGET);
	struct upager_record rec;

	ASSERT_TRUE(target_reached(&t, 2));
	pager_kill(pager);
	ASSERT_EQ(0, again(pager, variant->disable));
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3)) TH_LOG("%s", t.share->why);
	rec = pager_status(pager, t.pid);
	EXPECT_EQ(TARGET_BUDGET, rec.budget_bytes);
	EXPECT_TRUE(wait_until(30, pager_status(pager, t.pid).evictions > NR / 4));
	/* Killed while it works. */
	target_let(&t, 3);
	sleep_us(1000);
	ASSERT_EQ(0, again(pager, variant->disable));
	ASSERT_TRUE(target_reached(&t, 4)) TH_LOG("%s", t.share->why);
	EXPECT_EQ(0, upager_detach(pager->client, t.pid, NULL));
	EXPECT_EQ(0, pager_stop(pager));
	target_let(&t, 4);
	EXPECT_EQ(0, target_end(&t));
}

/* At each step of a take-over: the next one begins it anew. */
TEST_F_TIMEOUT(recover, take_over_dies, 60)
{
	static const char *const failpoints[] = { "restore_counted=kill", "restore_settled=kill",
						  "keeper_named=kill" };
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, sit_and_go_on, TARGET_BUDGET);
	int status;

	ASSERT_TRUE(target_reached(&t, 2));
	pager_kill(pager);
	target_let(&t, 2); /* it comes to wait */
	for (size_t i = 0; i < ARRAY_SIZE(failpoints); i++) {
		struct pager_options opt = { .disable = variant->disable,
					     .failpoints = failpoints[i] };

		pager->pid = pager_spawn(pager, &opt);
		EXPECT_TRUE(wait_until(20, pager_ended(pager, &status)));
		EXPECT_TRUE(WIFSIGNALED(status)) TH_LOG("%s", failpoints[i]);
		EXPECT_FALSE(target_exited(&t, &status)) TH_LOG("%s", failpoints[i]);
	}
	ASSERT_EQ(0, again(pager, variant->disable));
	ASSERT_TRUE(target_reached(&t, 3)) TH_LOG("%s", t.share->why);
	target_let(&t, 4);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

static int fork_and_wait(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	target_meet(sh, 2);
	child = fork();
	if (!child) {
		while (atomic_load(&sh->go) < 3)
			sleep_us(500);
		_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
	}
	target_check(sh, status_of(child) == 0);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

/* Regression: what had been open for it was listed for good, and nobody could take over. */
TEST_F_TIMEOUT(recover, child_is_not_found_again, 60)
{
	struct pager *pager = &self->pager;
	struct pager_options opt = { .disable = variant->disable };
	struct target t = target_start(pager, fork_and_wait, TARGET_BUDGET);
	int status;

	ASSERT_TRUE(target_reached(&t, 2));
	pager_kill(pager);
	opt.failpoints = "child_recorded=kill";
	ASSERT_EQ(0, pager_restart(pager, &opt));
	target_let(&t, 2);
	ASSERT_TRUE(wait_until(20, pager_ended(pager, &status)));
	for (int i = 0; i < 2; i++) {
		opt.failpoints = "child_asked=err:22";
		ASSERT_EQ(0, pager_restart(pager, &opt));
		sleep_us(20000);
		pager_kill(pager);
	}
	ASSERT_EQ(0, again(pager, variant->disable));
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

/*
 * The worker takes its time to make what a child has of its own.  Regression: it
 * could be found meanwhile, and was written down with places in a pool that is
 * its parent's: nobody could take over.
 */
TEST_F_TIMEOUT(recover, child_is_not_known_half_way, 60)
{
	struct pager *pager = &self->pager;
	struct pager_options opt = { .disable = variant->disable };
	struct target t = target_start(pager, fork_and_wait, TARGET_BUDGET);
	int status;

	ASSERT_TRUE(target_reached(&t, 2));
	pager_kill(pager);
	opt.failpoints = "fork_shared=delay:500000,child_recorded=kill";
	ASSERT_EQ(0, pager_restart(pager, &opt));
	target_let(&t, 2);
	ASSERT_TRUE(wait_until(20, pager_ended(pager, &status)));
	ASSERT_EQ(0, again(pager, variant->disable));
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

static int grow(struct target_share *sh)
{
	uint8_t *p;
	pid_t child;

	target_meet(sh, 2);
	child = fork(); /* while no daemon lives */
	p = memory_map(NR);
	if (!child) {
		atomic_store(&sh->value[0], (uint64_t)getpid());
		while (atomic_load(&sh->go) < 3)
			sleep_us(500);
	} else {
		target_meet(sh, 3);
	}
	for (uint64_t i = 1; atomic_load(&sh->go) < 4; i++) {
		memory_fill(p, 0, NR, i);
		target_check(sh, memory_is(p, 0, NR, i));
	}
	if (!child)
		_exit(0);
	return status_of(child);
}

/* What is watched has nothing of ours in it yet, and its children neither. */
TEST_F_TIMEOUT(recover, watched_are_known, 60)
{
	struct pager *pager = &self->pager;
	struct target t = target_fork(grow);
	pid_t child;

	ASSERT_TRUE(target_reached(&t, 1));
	ASSERT_EQ(0, upager_attach(pager->client, t.pid, TARGET_BUDGET, UPAGER_ATTACH_WATCH, NULL));
	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2));
	pager_kill(pager);
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3));
	ASSERT_TRUE(wait_until(10, atomic_load(&t.share->value[0])));
	child = (pid_t)atomic_load(&t.share->value[0]);
	ASSERT_EQ(0, again(pager, variant->disable));
	target_let(&t, 3);
	EXPECT_TRUE(wait_until(30, pager_status(pager, t.pid).evictions > NR / 2));
	EXPECT_TRUE(wait_until(30, pager_status(pager, child).evictions > NR / 2));
	target_let(&t, 4);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

static pid_t keeper_of(const struct pager *pg)
{
	char path[300];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/keeper.pid", pg->state);
	f = fopen(path, "re");
	if (f && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	return pid;
}

TEST_F_TIMEOUT(recover, keeper_is_replaced, 60)
{
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, sit_and_go_on, TARGET_BUDGET);
	pid_t keeper;

	ASSERT_TRUE(target_reached(&t, 2));
	keeper = keeper_of(pager);
	ASSERT_EQ(0, kill(keeper, SIGKILL));
	ASSERT_TRUE(wait_until(10, keeper_of(pager) != keeper));
	pager_kill(pager);
	target_let(&t, 2);
	ASSERT_EQ(0, again(pager, variant->disable));
	ASSERT_TRUE(target_reached(&t, 3)) TH_LOG("%s", t.share->why);
	target_let(&t, 4);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

/* One of two takes over, and the other is told so; nobody gets anything while one lives. */
TEST_F_TIMEOUT(recover, one_of_two, 60)
{
	struct pager_options opt = { .disable = variant->disable };
	struct pager *pager = &self->pager, other;
	struct target t = target_start(pager, sit_and_go_on, TARGET_BUDGET);
	int status, left = 0;

	ASSERT_TRUE(target_reached(&t, 2));
	other = *pager;
	other.pid = pager_spawn(&other, &opt);
	EXPECT_TRUE(wait_until(10, pager_ended(&other, &status)));
	EXPECT_EQ(1, WEXITSTATUS(status));
	pager_kill(pager);
	target_let(&t, 2);
	upager_close(pager->client);
	pager->client = NULL;
	pager->pid = pager_spawn(pager, &opt);
	other.pid = pager_spawn(&other, &opt);
	EXPECT_TRUE(wait_until(20, (left |= pager_ended(pager, &status) ? 1 : 0,
				    left |= pager_ended(&other, &status) ? 2 : 0, left)));
	EXPECT_NE(3, left);
	if (left == 1)
		pager->pid = other.pid;
	EXPECT_TRUE(wait_until(10, pager_answers(pager)));
	ASSERT_TRUE(target_reached(&t, 3)) TH_LOG("%s", t.share->why);
	target_let(&t, 4);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

/* Refused in a line; the program goes on waiting, and then goes on. */
TEST_F_TIMEOUT(recover, area_is_missing, 60)
{
	struct pager_options opt = { .disable = variant->disable };
	struct pager *pager = &self->pager, other;
	struct target t = target_start(pager, sit_and_go_on, TARGET_BUDGET);
	char text[700];
	int status;

	ASSERT_TRUE(target_reached(&t, 2));
	pager_kill(pager);
	target_let(&t, 2);
	other = *pager;
	strcat(other.area, ".other");
	ASSERT_EQ(0, pager_make_area(other.area, 16 * MIB));
	other.pid = pager_spawn(&other, &opt);
	EXPECT_TRUE(wait_until(20, pager_ended(&other, &status)));
	EXPECT_EQ(1, WEXITSTATUS(status));
	EXPECT_TRUE(pager_logged(pager, "is not given"));
	snprintf(text, sizeof(text), "swap area %s, which", pager->area);
	EXPECT_TRUE(pager_logged(pager, text));
	unlink(other.area);
	EXPECT_FALSE(target_exited(&t, &status));
	ASSERT_EQ(0, again(pager, variant->disable));
	ASSERT_TRUE(target_reached(&t, 3)) TH_LOG("%s", t.share->why);
	target_let(&t, 4);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

/* Ended while no daemon lives: nothing of it is kept, and areas are not used up by it. */
TEST_F_TIMEOUT(recover, nothing_is_left_of_the_dead, 60)
{
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, sit_and_go_on, TARGET_BUDGET), other;
	struct upager_record before, after;

	ASSERT_EQ(0, upager_ping(pager->client, &before));
	ASSERT_TRUE(target_reached(&t, 2));
	other = target_start(pager, sit_and_go_on, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&other, 2));
	pager_kill(pager);
	target_kill(&t);
	ASSERT_EQ(0, again(pager, variant->disable));
	EXPECT_TRUE(wait_until(20, pager_status(pager, t.pid).pid != t.pid));
	target_kill(&other);
	EXPECT_TRUE(wait_until(30, !upager_ping(pager->client, &after) &&
					   after.slots_free == before.slots_free));
	EXPECT_EQ(0, pager_stop(pager));
}

TEST_HARNESS_MAIN
