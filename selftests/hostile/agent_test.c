// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * The agent's control page is memory of the program that it is in.  Regression: one that said
 * that its agent was at work for ever kept the worker asking, could not be
 * detached, and had the daemon refuse to end.
 */
#include "selftests/hostile/victim.h"

#include <stdatomic.h>

#include "agent/agent_abi.h"
#include "selftests/agent/agent_watch.h"

#include <kselftest_harness.h>

#define NR   2048
#define MANY 8

PAGER_FIXTURE(hostile_agent)

static struct agent_ctl *own_ctl(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long addr = 0;
	char line[512];

	while (f && !addr && fgets(line, sizeof(line), f))
		if (strstr(line, "rw-s") && strstr(line, "memfd:upager-agent"))
			sscanf(line, "%lx", &addr);
	if (f)
		fclose(f);
	return (struct agent_ctl *)addr;
}

/* Stops its agent, says that it is at work, and does what has an event. */
static int lie(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	struct agent_ctl *ctl;

	target_check(sh, user_become());
	memory_fill(p, 0, NR, 1);
	ctl = own_ctl();
	target_check(sh, ctl);
	target_check(sh, wait_until(20, atomic_load(&ctl->done) > 2));
	target_meet(sh, 2); /* the agent is stopped */
	atomic_store(&ctl->busy, 1);
	atomic_store(&sh->at, 3);
	munmap(p + NR / 2 * PAGE_SIZE, PAGE_SIZE);
	atomic_store(&sh->at, 4);
	target_check(sh, memory_is(p, 0, NR / 2, 1));
	target_check(sh, memory_is(p, NR / 2 + 1, NR, 1));
	target_meet(sh, 5);
	return 0;
}

/* Up to where its agent keeps others waiting. */
static bool begin_lie(struct target *t, pid_t *agent)
{
	if (!target_reached(t, 2))
		return false;
	*agent = agent_of(t->pid);
	if (!*agent || kill(*agent, SIGSTOP))
		return false;
	target_let(t, 2);
	return target_reached(t, 3);
}

TEST_F_TIMEOUT(hostile_agent, says_for_ever_that_it_is_busy, 120)
{
	struct target v = victim_start(&self->pager), t = user_start(&self->pager, lie);
	pid_t agent;

	ASSERT_TRUE(begin_lie(&t, &agent));
	EXPECT_TRUE(victim_goes_on(&v));
	/* Its own program's system call was waiting for that. */
	EXPECT_TRUE(target_reached(&t, 4));
	EXPECT_EQ(0, upager_detach(self->pager.client, t.pid, NULL));
	target_let(&t, 5);
	EXPECT_TRUE(target_reached(&t, 5));
	EXPECT_EQ(0, target_end(&t));
	EXPECT_TRUE(victim_goes_on(&v));
	EXPECT_EQ(0, victim_end(&v));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(hostile_agent, outlives_its_program, 120)
{
	struct target v = victim_start(&self->pager), t[MANY];
	pid_t agent[MANY];

	for (int i = 0; i < MANY; i++) {
		t[i] = user_start(&self->pager, lie);
		ASSERT_TRUE(begin_lie(&t[i], &agent[i]));
		kill(t[i].pid, SIGKILL);
	}
	EXPECT_TRUE(victim_goes_on(&v));
	for (int i = 0; i < MANY; i++) {
		EXPECT_TRUE(wait_until(20, kill(agent[i], 0)));
		EXPECT_EQ(TARGET_SIGNAL + SIGKILL, target_end(&t[i]));
	}
	EXPECT_EQ(0, victim_end(&v));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* SIGTERM, while it lies. */
TEST_F_TIMEOUT(hostile_agent, does_not_keep_the_daemon, 120)
{
	struct target v = victim_start(&self->pager), t = user_start(&self->pager, lie);
	pid_t agent;

	ASSERT_TRUE(begin_lie(&t, &agent));
	EXPECT_EQ(0, pager_stop(&self->pager));
	target_let(&t, 5);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, victim_end(&v));
}

TEST_HARNESS_MAIN
