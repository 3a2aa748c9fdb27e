// SPDX-License-Identifier: GPL-2.0-only
/* How long a program waits for the pager is told while it does, and not a moment longer. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <pthread.h>
#include <setjmp.h>

#define NR 512ULL /* pages */

static sigjmp_buf caught;

static void catch (int sig)
{
	siglongjmp(caught, sig);
}

static int touch_and_rest(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_check(sh, !mlockall(MCL_CURRENT) && !munlock(p, NR * PAGE_SIZE));
	target_check(sh, memory_push_far(p, NR));
	target_meet(sh, 2);
	signal(SIGBUS, catch);
	if (!sigsetjmp(caught, 1))
		atomic_store(&sh->value[0], *(volatile uint8_t *)p);
	else
		atomic_store(&sh->value[1], 1);
	target_meet(sh, 3);
	return 0;
}

/* Runs until it is told, then only sleeps. */
static void *run_and_rest(void *arg)
{
	struct target_share *sh = arg;

	while (!atomic_load(&sh->value[2]))
		;
	atomic_store(&sh->value[3], 1);
	pause();
	return NULL;
}

static int touch_beside_another(struct target_share *sh)
{
	pthread_t other;

	target_check(sh, !pthread_create(&other, NULL, run_and_rest, sh));
	return touch_and_rest(sh);
}

FIXTURE(stall)
{
	struct pager pager;
	struct target t;
};

FIXTURE_SETUP(stall)
{
}

PAGER_TEARDOWN(stall)

static bool prepare(FIXTURE_DATA(stall) * self, target_fn fn, struct pager_options opt)
{
	struct pager_options start = { 0 };

	if (pager_start(&self->pager, &start))
		return false;
	self->t = target_start(&self->pager, fn, TARGET_BUDGET);
	return target_reached(&self->t, 2) && !pager_restart(&self->pager, &opt);
}

/* pid 0: of all together, the first. */
static struct upager_stall stall_of(FIXTURE_DATA(stall) * self, pid_t pid)
{
	struct upager_stall first = { .pid = -1 }, *all = NULL;
	uint32_t nr = 0;

	if (!upager_stall(self->pager.client, pid, &all, &nr) && nr)
		first = all[0];
	free(all);
	return first;
}

static uint64_t total_us(FIXTURE_DATA(stall) * self, pid_t pid)
{
	return stall_of(self, pid).some_total_us;
}

static uint64_t full_us(FIXTURE_DATA(stall) * self, pid_t pid)
{
	return stall_of(self, pid).full_total_us;
}

static bool stands(FIXTURE_DATA(stall) * self, pid_t pid)
{
	uint64_t before = total_us(self, pid);

	usleep(50000);
	return total_us(self, pid) == before;
}

/* The device does not answer, and the read is given up in the end. */
TEST_F_TIMEOUT(stall, grows_until_the_wait_ends, 60)
{
	struct pager_options opt = { .failpoints = "store_read=err:115@1",
				     .args = { "--io-timeout", "5" } };
	pid_t pid;

	ASSERT_TRUE(prepare(self, touch_and_rest, opt));
	pid = self->t.pid;
	ASSERT_TRUE(wait_until(10, stands(self, pid)));
	target_let(&self->t, 2);
	/* Nothing is answered all that time. */
	ASSERT_TRUE(wait_until(20, total_us(self, pid) > 3000000));
	EXPECT_LT(0, stall_of(self, pid).some_avg10);
	EXPECT_LE(stall_of(self, pid).some_avg300, stall_of(self, pid).some_avg10);
	EXPECT_LT(0, stall_of(self, 0).some_avg10);
	EXPECT_EQ(0, stall_of(self, 0).pid);
	EXPECT_LE(3000000, total_us(self, 0));
	/* It has one thread. */
	EXPECT_TRUE(wait_until(10, full_us(self, pid) > 3000000));
	EXPECT_TRUE(wait_until(10, full_us(self, 0) > 3000000));
	EXPECT_LT(0, stall_of(self, pid).full_avg10);
	EXPECT_LE(stall_of(self, pid).full_avg10, stall_of(self, pid).some_avg10);
	ASSERT_TRUE(wait_until(40, target_reached(&self->t, 3)));
	EXPECT_EQ(1, atomic_load(&self->t.share->value[1]));
	EXPECT_TRUE(wait_until(10, stands(self, pid)));
	EXPECT_TRUE(wait_until(10, stands(self, 0)));
	target_let(&self->t, 3);
	EXPECT_EQ(0, target_end(&self->t));
}

/* What the worker dawdles over is waited for; what nobody waits for is not. */
TEST_F_TIMEOUT(stall, stops_when_the_page_is_there, 60)
{
	struct pager_options opt = { .failpoints = "fault_read_done=delay:300000@1" };
	uint64_t before;
	pid_t pid;

	ASSERT_TRUE(prepare(self, touch_and_rest, opt));
	pid = self->t.pid;
	ASSERT_TRUE(wait_until(10, stands(self, pid)));
	before = total_us(self, pid);
	target_let(&self->t, 2);
	ASSERT_TRUE(target_reached(&self->t, 3));
	EXPECT_TRUE(wait_until(10, stands(self, pid)));
	EXPECT_LE(before + 300000, total_us(self, pid));
	EXPECT_LE(total_us(self, pid), total_us(self, 0));
	target_let(&self->t, 3);
	EXPECT_EQ(0, target_end(&self->t));
}

/* As long as one thread runs, that another waits is no full stall; when none does, it is. */
TEST_F_TIMEOUT(stall, is_full_while_no_thread_runs, 60)
{
	struct pager_options opt = { .failpoints = "store_read=err:115@1",
				     .args = { "--io-timeout", "8" } };
	uint64_t before, full, of_all;
	pid_t pid;

	ASSERT_TRUE(prepare(self, touch_beside_another, opt));
	pid = self->t.pid;
	ASSERT_TRUE(wait_until(10, stands(self, pid)));
	before = total_us(self, pid);
	full = full_us(self, pid);
	of_all = full_us(self, 0);
	target_let(&self->t, 2);
	ASSERT_TRUE(wait_until(20, total_us(self, pid) > before + 1000000));
	EXPECT_EQ(full, full_us(self, pid));
	EXPECT_EQ(of_all, full_us(self, 0));
	atomic_store(&self->t.share->value[2], 1);
	ASSERT_TRUE(wait_until(20, atomic_load(&self->t.share->value[3])));
	EXPECT_TRUE(wait_until(20, full_us(self, pid) > full + 500000));
	EXPECT_TRUE(wait_until(20, full_us(self, 0) > of_all + 500000));
	EXPECT_LE(full_us(self, pid) + 900000, total_us(self, pid));
	ASSERT_TRUE(wait_until(40, target_reached(&self->t, 3)));
	target_let(&self->t, 3);
	EXPECT_EQ(0, target_end(&self->t));
}

static int run_until_told(struct target_share *sh)
{
	target_meet(sh, 2);
	while (atomic_load(&sh->go) < 3)
		;
	return 0;
}

/* Regression: a program of one thread that ran was taken for all that there is. */
TEST_F_TIMEOUT(stall, of_all_is_not_full_while_another_program_runs, 60)
{
	struct pager_options opt = { .failpoints = "store_read=err:115@1",
				     .args = { "--io-timeout", "8" } };
	uint64_t some, full;
	struct target other;

	ASSERT_TRUE(prepare(self, touch_and_rest, opt));
	other = target_start(&self->pager, run_until_told, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&other, 2));
	target_let(&other, 2);
	ASSERT_TRUE(wait_until(10, stands(self, self->t.pid)));
	some = total_us(self, 0);
	full = full_us(self, 0);
	target_let(&self->t, 2);
	ASSERT_TRUE(wait_until(20, total_us(self, 0) > some + 1000000));
	EXPECT_GT(full + 500000, full_us(self, 0));
	target_let(&other, 3);
	EXPECT_EQ(0, target_end(&other));
	ASSERT_TRUE(wait_until(40, target_reached(&self->t, 3)));
	target_let(&self->t, 3);
	EXPECT_EQ(0, target_end(&self->t));
}

TEST_HARNESS_MAIN
