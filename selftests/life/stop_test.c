// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 200
 *
 * SIGTERM ends the daemon in the time that it was given, whatever one program does.  Regression: it
 * went on, and named nobody.  Who could not be let go of is named, waits, and goes on with the next
 * daemon; all others have everything back.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <sched.h>
#include <sys/syscall.h>

#define NR  1024ULL /* pages */
#define FEW 64ULL
#define STOP                          \
	{                             \
		"--stop-timeout", "2" \
	}

FIXTURE(stop)
{
	struct pager pager;
};

FIXTURE_SETUP(stop)
{
}

PAGER_TEARDOWN(stop)

static int read_again(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	/* All else stays, or the program itself would wait. */
	target_check(sh, !mlockall(MCL_CURRENT) && !munlock(p, NR * PAGE_SIZE));
	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_meet(sh, 2);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

static int have_little(struct target_share *sh)
{
	uint8_t *p = memory_map(FEW);

	memory_fill(p, 0, FEW, 2);
	target_meet(sh, 2);
	target_check(sh, memory_is(p, 0, FEW, 2));
	return 0;
}

static bool names(const struct pager *pg, pid_t pid, const char *fmt)
{
	char text[200];

	snprintf(text, sizeof(text), fmt, (int)pid);
	return pager_logged(pg, text);
}

/* The last line names it, too. */
static bool is_left(const struct pager *pg, pid_t pid)
{
	return names(pg, pid, "process %d (stop_test) is not let go of: ") &&
	       names(pg, pid, "stopped, and left: process %d (stop_test): they wait");
}

TEST_F_TIMEOUT(stop, area_does_not_answer, 90)
{
	struct pager_options opt = { 0 };
	struct pager_options hangs = { .failpoints = "store_read=err:115", .args = STOP };
	struct target t, other;

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	t = target_start(&self->pager, read_again, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_EQ(0, pager_restart(&self->pager, &hangs));
	other = target_start(&self->pager, have_little, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&other, 2));
	EXPECT_EQ(1, pager_stop(&self->pager));
	EXPECT_TRUE(is_left(&self->pager, t.pid));
	EXPECT_TRUE(pager_logged(&self->pager, "a swap area does not answer"));
	EXPECT_TRUE(names(&self->pager, other.pid, "process %d (stop_test) is detached"));
	/* No daemon: the one goes on, the other waits. */
	target_let(&other, 2);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&other));
	sleep_us(100000);
	EXPECT_FALSE(target_is_over(&t));
	ASSERT_EQ(0, pager_restart(&self->pager, &opt));
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* What the main thread itself waits for. */
TEST_F_TIMEOUT(stop, main_thread_waits, 90)
{
	struct pager_options opt = { 0 };
	struct pager_options waits = { .failpoints = "detach_filled=delay:100000000",
				       .args = STOP };
	struct target t;

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	t = target_start(&self->pager, read_again, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_EQ(0, pager_restart(&self->pager, &waits));
	EXPECT_EQ(1, pager_stop(&self->pager));
	EXPECT_TRUE(is_left(&self->pager, t.pid));
	ASSERT_EQ(0, pager_restart(&self->pager, &opt));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static struct target_share *share;

static int outlive(void *context)
{
	uint8_t *p = context;

	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	while (atomic_load(&share->go) < 2)
		usleep(500);
	atomic_store(&share->value[0], memory_is(p, 0, NR, 1) ? 1 : 2);
	_exit(0);
}

/* A process that is no thread of it has the same memory, and outlives it. */
static int leave_memory(struct target_share *sh)
{
	uint8_t *p = memory_map(NR), *stack = memory_map(16);

	share = sh;
	target_check(sh, !mlockall(MCL_CURRENT) && !munlock(p, NR * PAGE_SIZE));
	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, clone(outlive, stack + 16 * PAGE_SIZE, CLONE_VM, p) > 0);
	return 0;
}

TEST_F_TIMEOUT(stop, memory_outlives_its_process, 90)
{
	struct pager_options opt = { .args = STOP }, go_on = { 0 };
	struct target t;

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	t = target_fork(leave_memory);
	ASSERT_EQ(0, target_attach(&self->pager, &t, TARGET_BUDGET));
	target_let(&t, 1);
	ASSERT_TRUE(wait_until(30, target_is_over(&t)));
	EXPECT_EQ(1, pager_stop(&self->pager));
	EXPECT_TRUE(pager_logged(&self->pager, "something else still has its memory"));
	target_let(&t, 2);
	ASSERT_EQ(0, pager_restart(&self->pager, &go_on));
	EXPECT_TRUE(wait_until(30, atomic_load(&t.share->value[0])));
	EXPECT_EQ(1, atomic_load(&t.share->value[0]));
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
