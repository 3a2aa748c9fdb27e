// SPDX-License-Identifier: GPL-2.0-only
/* The budget is kept, and accidents of the agent lose nothing. */
#include "selftests/agent/agent_watch.h"
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR 1024 /* pages */

PAGER_FIXTURE(evict_agent)

static uint64_t rssanon_bytes(pid_t pid)
{
	char path[64], line[128];
	unsigned long long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "RssAnon: %llu", &kib);
	if (f)
		fclose(f);
	return kib * 1024;
}

/* ---- the agent's accidents ---- */

static int go_round(struct target_share *sh)
{
	uint8_t *p = memory_map(2 * NR);

	memory_fill(p, 0, 2 * NR, 1);
	for (uint64_t i = 1; !atomic_load(&sh->value[0]); i++) {
		target_check(sh, memory_is(p, 0, 2 * NR, i));
		memory_fill(p, 0, 2 * NR, i + 1);
		atomic_store(&sh->value[1], i);
	}
	return 0;
}

static bool rounds(struct target *t, uint64_t more)
{
	uint64_t have = atomic_load(&t->share->value[1]);

	return wait_until(40, atomic_load(&t->share->value[1]) >= have + more);
}

/* The only copy of some page is in staging. */
static bool has_pages_in_staging(const struct agent_ctl *ctl)
{
	for (int i = 0; i < AGENT_BATCHES; i++) {
		const struct agent_batch *batch = &ctl->batch[i];

		for (uint32_t k = 0; batch->phase == AGENT_POSTED && k < batch->nr_runs; k++)
			if (batch->run[k].moved)
				return true;
	}
	return false;
}

static bool stop_at_worst_time(pid_t pid, pid_t agent)
{
	static struct agent_ctl ctl;

	for (int i = 0; i < 3000; i++) {
		kill(agent, SIGSTOP);
		if (!wait_until(5, is_stopped(agent)) || !read_ctl(pid, &ctl))
			return false;
		if (has_pages_in_staging(&ctl))
			return true;
		kill(agent, SIGCONT);
		sleep_us(50 + i % 7 * 30);
	}
	return false;
}

TEST_F_TIMEOUT(evict_agent, agent_is_killed, 90)
{
	struct target t = target_start(&self->pager, go_round, TARGET_BUDGET);
	pid_t agent;

	ASSERT_TRUE(rounds(&t, 1));
	agent = agent_of(t.pid);
	ASSERT_NE(0, agent);
	if (!variant->disable)
		EXPECT_TRUE(stop_at_worst_time(t.pid, agent));
	EXPECT_EQ(0, kill(agent, SIGKILL));
	EXPECT_TRUE(rounds(&t, 3));
	atomic_store(&t.share->value[0], 1);
	EXPECT_EQ(0, target_end(&t));
}

/* F17 */
TEST_F_TIMEOUT(evict_agent, agent_is_stopped, 90)
{
	struct target t = target_start(&self->pager, go_round, TARGET_BUDGET);
	pid_t agent;

	ASSERT_TRUE(rounds(&t, 2));
	agent = agent_of(t.pid);
	ASSERT_NE(0, agent);
	for (int i = 0; i < 3; i++) {
		uint64_t before;

		/* At work it would be ended: its program waits. */
		EXPECT_TRUE(agent_stop_idle(t.pid, agent));
		sleep_us(300000);
		EXPECT_EQ(0, kill(agent, SIGCONT));
		before = pager_status(&self->pager, t.pid).evictions;
		EXPECT_TRUE(wait_until(20, pager_status(&self->pager, t.pid).evictions >
						   before + 2 * NR));
	}
	atomic_store(&t.share->value[0], 1);
	EXPECT_EQ(0, target_end(&t));
}

/* ---- the budget ---- */

/* The longest time above budget and a tenth, while it runs for so long or until it ends. */
static uint64_t longest_over_ns(const struct target *t, uint64_t duration_ns, bool *used)
{
	uint64_t begin_ns = now_ns(), within_ns = begin_ns, longest_ns = 0;

	*used = false;
	while (now_ns() - begin_ns < duration_ns && !target_is_over(t)) {
		uint64_t bytes = rssanon_bytes(t->pid), now = now_ns();

		*used |= bytes > TARGET_BUDGET / 2;
		if (bytes <= TARGET_BUDGET + TARGET_BUDGET / 10)
			within_ns = now;
		if (now - within_ns > longest_ns)
			longest_ns = now - within_ns;
		sleep_us(5000);
	}
	return longest_ns;
}

TEST_F_TIMEOUT(evict_agent, budget_is_kept, 60)
{
	struct target t = target_start(&self->pager, go_round, TARGET_BUDGET);
	bool used;

	ASSERT_TRUE(rounds(&t, 1));
	EXPECT_LT(longest_over_ns(&t, 3 * 1000000000ULL, &used), 1000000000ULL);
	EXPECT_TRUE(used);
	atomic_store(&t.share->value[0], 1);
	EXPECT_EQ(0, target_end(&t));
}

static int allocate(struct target_share *sh)
{
	uint8_t *p = memory_map(24 * NR);

	for (uint64_t i = 0; i < 24; i++)
		memory_fill(p, i * NR, (i + 1) * NR, 1);
	target_check(sh, memory_is(p, 0, 2 * NR, 1));
	return 0;
}

#define STOPPED_NS 400000000ULL

/* The most that it has while its agent is stopped; 0: that was ended, as it was stopped at a MOVE. */
static uint64_t most_without_agent(struct __test_metadata *_metadata, struct pager *pg)
{
	struct target t = target_start(pg, allocate, TARGET_BUDGET);
	uint64_t most = 0, bytes, end_ns;
	pid_t agent;

	/* It may have grown over its budget before it was paged: that has left. */
	EXPECT_TRUE(
		wait_until(20, pager_status(pg, t.pid).evictions > NR / 4 &&
				       rssanon_bytes(t.pid) < TARGET_BUDGET + TARGET_BUDGET / 8));
	agent = agent_of(t.pid);
	EXPECT_LT(0, agent);
	EXPECT_EQ(0, agent > 0 ? kill(agent, SIGSTOP) : -1);
	for (end_ns = now_ns() + STOPPED_NS; now_ns() < end_ns; sleep_us(10000)) {
		bytes = rssanon_bytes(t.pid);
		most = bytes > most ? bytes : most;
	}
	if (agent <= 0 || kill(agent, SIGCONT))
		most = 0;
	EXPECT_EQ(0, target_end(&t));
	return most;
}

/* No memory is given out that nothing makes room for. */
TEST_F_TIMEOUT(evict_agent, allocation_waits, 120)
{
	uint64_t most = 0;

	if (variant->disable)
		SKIP(return, "without UFFDIO_MOVE the program is stopped until pages have left");
	for (int i = 0; i < 5 && !most; i++)
		most = most_without_agent(_metadata, &self->pager);
	EXPECT_NE(0, most);
	EXPECT_LT(most, TARGET_BUDGET + TARGET_BUDGET / 4);
}

TEST_HARNESS_MAIN
