// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 120
 *
 * Who faults over the budget waits for an eviction; who has to do that eviction must not wait for
 * it, and where it does not come nobody waits for ever.
 */
#include "selftests/agent/agent_watch.h"
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#define NR 1024 /* pages: all of the budget */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

PAGER_FIXTURE(agent_wait)

enum value {
	WRITTEN, /* pages */
	FORK, /* the test: now */
	GIVE_ADDR, /* the test: what to give away */
	GIVE_BYTES,
	GIVEN, /* the function: it is */
};

static void *write_on(void *arg)
{
	struct target_share *sh = arg;
	uint8_t *p = memory_map(2 * NR);

	for (uint64_t i = 1; i; i++) {
		for (uint64_t n = 0; n < 2 * NR; n++) {
			memory_fill_page(p + n * PAGE_SIZE, i, n);
			atomic_fetch_add(&sh->value[WRITTEN], 1);
		}
	}
	return NULL;
}

static pid_t fork_nothing(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		syscall(SYS_exit_group, 0);
	return pid;
}

/* On the main stack alone, which is never out. */
static int do_as_told(struct target_share *sh)
{
	pthread_t thread;

	target_check(sh, !pthread_create(&thread, NULL, write_on, sh));
	for (;;) {
		uint64_t addr = atomic_exchange(&sh->value[GIVE_ADDR], 0);

		/* What a child has seen cannot be moved until it is un-shared. */
		if (atomic_exchange(&sh->value[FORK], 0))
			status_of(fork_nothing());
		if (addr && !madvise((void *)addr, sh->value[GIVE_BYTES], MADV_DONTNEED))
			atomic_store(&sh->value[GIVEN], 1);
		sleep_us(200);
	}
	return 0;
}

/* Pages written, which takes evictions. */
static bool goes_on(struct target *t, unsigned int seconds)
{
	uint64_t before = atomic_load(&t->share->value[WRITTEN]);

	return wait_until(seconds, atomic_load(&t->share->value[WRITTEN]) > before + 4 * NR);
}

/* Its budget is full, and it goes on by evictions alone. */
static bool is_within(struct pager *pg, struct target *t)
{
	struct upager_record r = pager_status(pg, t->pid);

	return r.evictions > 2 * NR && r.resident_bytes < TARGET_BUDGET + TARGET_BUDGET / 8;
}

/* Until the agent is about to un-share some pages; which. */
static bool catch_populate(struct target *t, pid_t agent, uint64_t *addr, uint64_t *bytes)
{
	if (ptrace(PTRACE_SEIZE, agent, 0, PTRACE_O_TRACESYSGOOD) ||
	    ptrace(PTRACE_INTERRUPT, agent, 0, 0))
		return false;
	atomic_store(&t->share->value[FORK], 1);
	for (int i = 0; i < 1000000; i++) {
		struct __ptrace_syscall_info info = { 0 };
		int status;

		if (waitpid(agent, &status, __WALL) != agent || !WIFSTOPPED(status))
			return false;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
		    ptrace(PTRACE_GET_SYSCALL_INFO, agent, sizeof(info), &info) > 0 &&
		    info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_madvise &&
		    info.entry.args[2] == MADV_POPULATE_WRITE &&
		    info.entry.args[1] > PAGE_SIZE) { /* one: it is given back */
			*addr = info.entry.args[0];
			*bytes = info.entry.args[1];
			return true;
		}
		if (ptrace(PTRACE_SYSCALL, agent, 0, 0))
			return false;
	}
	return false;
}

/*
 * Regression: what the agent un-shares was given away meanwhile, so that its own
 * fault was a first touch and waited, like any other over the budget, for the
 * eviction that it had in hand.
 */
TEST_F_TIMEOUT(agent_wait, never_for_itself, 60)
{
	uint64_t addr = 0, bytes = 0, waited;
	struct target t;
	pid_t agent;

	if (variant->disable)
		SKIP(return, "without UFFDIO_MOVE nothing is un-shared");
	t = target_start(&self->pager, do_as_told, TARGET_BUDGET);
	ASSERT_TRUE(wait_until(20, is_within(&self->pager, &t)));
	agent = agent_of(t.pid);
	ASSERT_NE(0, agent);
	ASSERT_TRUE(catch_populate(&t, agent, &addr, &bytes));
	atomic_store(&t.share->value[GIVE_BYTES], bytes);
	atomic_store(&t.share->value[GIVE_ADDR], addr);
	EXPECT_TRUE(wait_until(10, atomic_load(&t.share->value[GIVEN])));
	/* All that the program may have beyond its budget is used up. */
	waited = pager_status(&self->pager, t.pid).throttled;
	EXPECT_TRUE(wait_until(1, pager_status(&self->pager, t.pid).throttled > waited));
	sleep_us(50000);
	EXPECT_EQ(0, ptrace(PTRACE_DETACH, agent, 0, 0));
	EXPECT_TRUE(goes_on(&t, 20));
	EXPECT_FALSE(pager_logged(&self->pager, "does not answer"));
	EXPECT_EQ(TARGET_SIGNAL + SIGKILL, target_kill(&t));
}

/* Regression: two batches were posted, and who waited for them waited as long as the agent. */
TEST_F_TIMEOUT(agent_wait, not_for_ever, 60)
{
	struct target t = target_start(&self->pager, do_as_told, TARGET_BUDGET);
	uint64_t before;
	pid_t agent;

	ASSERT_TRUE(wait_until(20, is_within(&self->pager, &t)));
	agent = agent_of(t.pid);
	ASSERT_NE(0, agent);
	ASSERT_TRUE(agent_stop_idle(t.pid, agent));
	EXPECT_TRUE(goes_on(&t, 20));
	if (variant->disable) { /* ended, rather than that it drops something beside the program */
		EXPECT_EQ(TARGET_SIGNAL + SIGKILL, target_kill(&t));
		return;
	}
	EXPECT_TRUE(wait_until(5, pager_logged(&self->pager, "does not answer")));
	EXPECT_EQ(0, kill(agent, SIGCONT));
	before = pager_status(&self->pager, t.pid).evictions;
	EXPECT_TRUE(wait_until(20, pager_status(&self->pager, t.pid).evictions > before + 4 * NR));
	EXPECT_EQ(TARGET_SIGNAL + SIGKILL, target_kill(&t));
}

TEST_HARNESS_MAIN
