// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 200
 *
 * Daemon and agent die while the only copies are in staging, and the agent before it
 * could say so.
 */
#include "selftests/agent/agent_watch.h"
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR 6144ULL /* pages: half more than the budget, at first */

FIXTURE(recover_staged)
{
	struct pager pager;
};

FIXTURE_VARIANT(recover_staged)
{
	bool unmaps; /* something else, before another daemon comes */
};

FIXTURE_VARIANT_ADD(recover_staged, quiet){ .unmaps = false };
FIXTURE_VARIANT_ADD(recover_staged, unmapping){ .unmaps = true };

FIXTURE_SETUP(recover_staged)
{
	ASSERT_EQ(0, pager_start(&self->pager, &(struct pager_options){ 0 }));
}

PAGER_TEARDOWN(recover_staged)

enum value {
	UNMAPS,
};

#define NR_UNMAPPED 64

static int sit(struct target_share *sh)
{
	uint8_t *p = memory_map(NR + NR_UNMAPPED);

	memory_fill(p, 0, NR + NR_UNMAPPED, 1);
	target_check(sh, memory_is(p, 0, NR, 1));
	target_meet(sh, 2);
	if (atomic_load(&sh->value[UNMAPS]))
		target_check(sh, !munmap(p + NR * PAGE_SIZE, NR_UNMAPPED * PAGE_SIZE));
	target_meet(sh, 3);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

static struct agent_ctl ctl;

/* Of a batch that is not copied: pages that were moved. */
static uint32_t nr_staged(pid_t pid)
{
	uint32_t nr = 0;

	if (!read_ctl(pid, &ctl))
		return 0;
	for (int i = 0; i < AGENT_BATCHES; i++)
		for (uint32_t k = 0; ctl.batch[i].phase == AGENT_POSTED && k < ctl.batch[i].nr_runs;
		     k++)
			nr += (uint32_t)__builtin_popcountll(ctl.batch[i].run[k].moved);
	return nr;
}

/* As if the agent had died after each MOVE and before it could say so. */
static bool forget_moved(pid_t pid)
{
	char path[64];
	bool ok;
	int fd;

	for (int i = 0; i < AGENT_BATCHES; i++)
		for (uint32_t k = 0; k < ctl.batch[i].nr_runs && k < AGENT_RUNS_MAX; k++)
			ctl.batch[i].run[k].moved = 0;
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	ok = fd >= 0 && pwrite(fd, ctl.batch, sizeof(ctl.batch),
			       (off_t)(ctl_at(pid) + offsetof(struct agent_ctl, batch))) ==
				(ssize_t)sizeof(ctl.batch);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Regression: with another event among those that wait, they became zeros. */
TEST_F_TIMEOUT(recover_staged, agent_could_not_say, 100)
{
	/* The worker stands still behind the first batch, and with it the agent, in MADV_FREE. */
	struct pager_options opt = { .failpoints = "evict_posted=delay:30000000@1" };
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, sit, 4 * TARGET_BUDGET);
	pid_t agent;

	atomic_store(&t.share->value[UNMAPS], variant->unmaps);
	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_EQ(0, pager_restart(pager, &opt));
	agent = agent_of(t.pid);
	ASSERT_NE(0, agent);
	ASSERT_EQ(0, upager_set_budget(pager->client, t.pid, TARGET_BUDGET, NULL));
	EXPECT_TRUE(wait_until(20, nr_staged(t.pid)));
	pager_kill(pager);
	EXPECT_EQ(0, kill(agent, SIGKILL));
	EXPECT_TRUE(wait_until(20, kill(agent, 0)));
	if (!nr_staged(t.pid))
		SKIP(return, "the agent does not wait in MADV_FREE on this kernel");
	EXPECT_TRUE(forget_moved(t.pid));
	target_let(&t, 2);
	EXPECT_TRUE(target_reached(&t, 3));
	ASSERT_EQ(0, pager_restart(pager, &(struct pager_options){ 0 }));
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

TEST_HARNESS_MAIN
