// SPDX-License-Identifier: GPL-2.0-only
/* Nothing wakes the daemon that has nothing to do. */
#include "selftests/agent/agent_watch.h"
#include "selftests/cost.h"
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR	 1024 /* pages: all of the budget */
#define PROGRAMS 8

PAGER_FIXTURE(wakeup)

/* Some of it is out. */
static int fill_and_sleep(struct target_share *sh)
{
	uint8_t *p = memory_map(2 * NR);

	memory_fill(p, 0, 2 * NR, 1);
	target_check(sh, memory_is(p, 0, 2 * NR, 1));
	atomic_store(&sh->at, 2);
	for (;;)
		pause();
	return 0;
}

/* Regression: two hundred times a second, to ask what had not changed. */
TEST_F_TIMEOUT(wakeup, not_for_who_sleeps, 60)
{
	struct target t[PROGRAMS];
	uint64_t before;

	for (int i = 0; i < PROGRAMS; i++)
		t[i] = target_start(&self->pager, fill_and_sleep, TARGET_BUDGET);
	for (int i = 0; i < PROGRAMS; i++)
		EXPECT_TRUE(target_reached(&t[i], 2));
	sleep_us(1500000);
	before = cost_switches(self->pager.pid);
	sleep_us(2000000);
	EXPECT_LT(cost_switches(self->pager.pid) - before, 100);
	for (int i = 0; i < PROGRAMS; i++)
		EXPECT_EQ(TARGET_SIGNAL + SIGKILL, target_kill(&t[i]));
}

/* Nor where children are looked for in vain. */
TEST(not_for_nothing)
{
	const struct pager_options opt = { .disable = "connector" };
	struct pager pager;
	struct target t;
	uint64_t before;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	t = target_start(&pager, fill_and_sleep, TARGET_BUDGET);
	EXPECT_TRUE(target_reached(&t, 2));
	for (int paged = 1; paged >= 0; paged--) {
		sleep_us(1000000);
		before = cost_switches(pager.pid);
		sleep_us(1000000);
		EXPECT_LT(cost_switches(pager.pid) - before, 60);
		if (paged)
			EXPECT_EQ(TARGET_SIGNAL + SIGKILL, target_kill(&t));
	}
	pager_fini(&pager);
}

static int sleep_and_grow(struct target_share *sh)
{
	uint8_t *p = memory_map(4 * NR);

	memory_fill(p, 0, NR / 2, 1);
	sleep_us(1500000);
	for (uint64_t i = 0; i < 2; i++) {
		memory_fill(p, 0, 4 * NR, 2 + i);
		target_check(sh, memory_is(p, 0, 4 * NR, 2 + i));
	}
	target_meet(sh, 2);
	return 0;
}

static bool is_within(struct pager *pg, const struct target *t)
{
	struct upager_record rec = pager_status(pg, t->pid);

	return rec.evictions && rec.resident_bytes < TARGET_BUDGET + TARGET_BUDGET / 10;
}

/* It is seen that one does something again, and that one ends. */
TEST_F_TIMEOUT(wakeup, for_who_wakes, 60)
{
	struct target t = target_start(&self->pager, sleep_and_grow, TARGET_BUDGET);
	pid_t pid = t.pid;

	EXPECT_TRUE(target_reached(&t, 2));
	EXPECT_TRUE(wait_until(5, is_within(&self->pager, &t)));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_TRUE(wait_until(5, pager_status(&self->pager, pid).pid == 0));
}

/* It holds what the daemon waits for. */
static bool stop_busy(pid_t pid, pid_t agent)
{
	static struct agent_ctl ctl;

	for (int i = 0; i < 3000; i++) {
		kill(agent, SIGSTOP);
		if (!wait_until(5, is_stopped(agent)) || !read_ctl(pid, &ctl))
			return false;
		if (ctl.busy)
			return true;
		kill(agent, SIGCONT);
		sleep_us(50 + i % 7 * 30);
	}
	return false;
}

static int go_round(struct target_share *sh)
{
	uint8_t *p = memory_map(2 * NR);

	for (uint64_t i = 1; !atomic_load(&sh->value[0]); i++)
		memory_fill(p, 0, 2 * NR, i);
	return 0;
}

/* For a while. */
static bool has_no_faults(struct pager *pg, pid_t pid)
{
	uint64_t before = pager_status(pg, pid).faults;

	sleep_us(200000);
	return pager_status(pg, pid).faults == before;
}

/* Regression: it was asked twenty thousand times a second. */
TEST_F_TIMEOUT(wakeup, not_for_a_stopped_agent, 60)
{
	struct target t;
	uint64_t before;
	pid_t agent;

	if (variant->disable)
		SKIP(return, "without UFFDIO_MOVE the agent holds nothing");
	t = target_start(&self->pager, go_round, TARGET_BUDGET);
	EXPECT_TRUE(wait_until(20, pager_status(&self->pager, t.pid).evictions > 2 * NR));
	agent = agent_of(t.pid);
	ASSERT_NE(0, agent);
	ASSERT_TRUE(stop_busy(t.pid, agent));
	/* It is ended, and what was outside comes back. */
	EXPECT_TRUE(wait_until(20, kill(agent, 0)));
	EXPECT_TRUE(wait_until(20, has_no_faults(&self->pager, t.pid)));
	before = cost_ticks(self->pager.pid);
	sleep_us(1000000);
	EXPECT_LT(cost_ticks(self->pager.pid) - before, (uint64_t)sysconf(_SC_CLK_TCK) / 8);
	atomic_store(&t.share->value[0], 1);
	EXPECT_EQ(0, target_end(&t));
}

TEST_HARNESS_MAIN
