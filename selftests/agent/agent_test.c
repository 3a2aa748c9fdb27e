// SPDX-License-Identifier: GPL-2.0-only
/* The agent moves pages out of a program into the pool, and only right ones. */
#include "selftests/agent/agent_fixture.h"

/* Staging is dropped after the report. */
static bool staging_empties(const struct pager *pg)
{
	for (int i = 0; i < 200; i++) {
		if (!resident_pages(pg->s.pid, pg->s.ctl->staging, NR_PAGES))
			return true;
		sleep_ms(5);
	}
	return false;
}

TEST_F(agent, moves)
{
	const struct agent_run *run;

	NEED_MOVE();
	traces_take(&self->before, self->p.pid);
	START();
	run = move_all(self->pg, AGENT_MOVE);
	ASSERT_NE(NULL, run);
	EXPECT_EQ(ALL, run->moved);
	EXPECT_EQ(0, run->pinned | run->gone);
	EXPECT_EQ(0, run->error);
	EXPECT_EQ(0, resident_pages(self->p.pid, self->base, NR_PAGES));
	EXPECT_TRUE(staging_empties(self->pg));
	for (uint32_t i = 0; i < NR_PAGES; i++)
		EXPECT_TRUE(pool_holds(self->pg, i));
	EXPECT_EQ(0, program_ask(&self->p, "check 1 0"));
	EXPECT_EQ(NR_PAGES, atomic_load(&self->pg->nr_faults));
	END();
	{
		struct traces after;

		traces_take(&after, self->p.pid);
		EXPECT_TRUE(traces_equal(&self->before, &after));
	}
}

/* Scattered pages, whose places follow each other: and two batches at once. */
TEST_F(agent, moves_two_batches_of_many_runs)
{
	const struct agent_batch *batch;

	NEED_MOVE();
	START();
	for (int half = 0; half < 2; half++) {
		for (uint32_t i = (uint32_t)half; i < NR_PAGES; i += 2)
			pager_add_run(self->pg, i, 1);
		pager_post(self->pg, AGENT_MOVE);
	}
	for (uint32_t half = 0; half < 2; half++) {
		batch = pager_wait(self->pg, half + 1);
		ASSERT_NE(NULL, batch);
		for (uint32_t i = 0; i < NR_PAGES / 2; i++) {
			EXPECT_EQ(1, batch->run[i].moved);
			EXPECT_TRUE(pool_holds(self->pg, 2 * i + half));
		}
	}
	/* One event a batch for staging, none of the program's. */
	for (int i = 0; i < 200 && self->pg->nr_removes < 2; i++)
		sleep_ms(5);
	EXPECT_EQ(2, atomic_load(&self->pg->nr_removes));
	END();
}

TEST_F(agent, reports_what_is_gone)
{
	const struct agent_run *run;

	NEED_MOVE();
	ASSERT_EQ(0, program_ask(&self->p, "drop 3 5"));
	START();
	run = move_all(self->pg, AGENT_MOVE);
	ASSERT_NE(NULL, run);
	EXPECT_EQ(0xf8, run->gone);
	EXPECT_EQ(ALL & ~0xf8ULL, run->moved);
	EXPECT_EQ(0, run->error);
	EXPECT_EQ(5, program_ask(&self->p, "check 1 0"));
	EXPECT_EQ(0, pager_end(self->pg));
}

/* What fork() shares is un-shared first; the child keeps its own. */
TEST_F(agent, moves_after_fork)
{
	const struct agent_run *run;

	NEED_MOVE();
	ASSERT_GT(program_ask(&self->p, "fork"), 0);
	START();
	run = move_all(self->pg, AGENT_MOVE);
	ASSERT_NE(NULL, run);
	EXPECT_EQ(ALL, run->moved);
	EXPECT_EQ(0, run->pinned);
	EXPECT_EQ(0, program_ask(&self->p, "child check 1 0"));
	EXPECT_EQ(0, program_ask(&self->p, "child fill 2"));
	EXPECT_EQ(0, program_ask(&self->p, "check 1 0"));
	EXPECT_EQ(0, program_ask(&self->p, "end_child"));
	END();
}

/* And with the fork while everything is in the pool. */
TEST_F(agent, child_of_moved_pages)
{
	NEED_MOVE();
	START();
	ASSERT_NE(NULL, move_all(self->pg, AGENT_MOVE));
	ASSERT_GT(program_ask(&self->p, "fork"), 0);
	EXPECT_EQ(0, program_ask(&self->p, "child check 1 0"));
	EXPECT_EQ(0, program_ask(&self->p, "check 1 0"));
	EXPECT_EQ(0, program_ask(&self->p, "end_child"));
	END();
}

TEST_F(agent, leaves_pinned_pages)
{
	const struct agent_run *run;
	long fd = program_ask(&self->p, "pin 10 2");

	NEED_MOVE();
	if (fd < 0) {
		SKIP(return, "no io_uring here: %ld", fd);
	}
	START();
	run = move_all(self->pg, AGENT_MOVE);
	ASSERT_NE(NULL, run);
	EXPECT_EQ(0xc00, run->pinned);
	EXPECT_EQ(ALL & ~0xc00ULL, run->moved);
	EXPECT_EQ(0, run->error);
	EXPECT_EQ(2, resident_pages(self->p.pid, self->base, NR_PAGES));
	END();
}

/* mlockall() faults staging in, and its pages are in the way afterwards [F16]. */
TEST_F(agent, moves_after_mlockall)
{
	const struct agent_run *run;

	NEED_MOVE();
	START();
	ASSERT_EQ(0, program_ask(&self->p, "lock %d", MCL_CURRENT));
	ASSERT_EQ(0, program_ask(&self->p, "lock 0"));
	EXPECT_EQ(NR_PAGES, resident_pages(self->p.pid, self->pg->s.ctl->staging, NR_PAGES));
	run = move_all(self->pg, AGENT_MOVE);
	ASSERT_NE(NULL, run);
	EXPECT_EQ(ALL, run->moved);
	EXPECT_EQ(0, run->error);
	END();
}

/* Staging is unlocked, or it could not be dropped; and MOVE takes both or neither. */
TEST_F(agent, leaves_locked_pages)
{
	const struct agent_run *run;

	NEED_MOVE();
	START();
	ASSERT_EQ(0, program_ask(&self->p, "lock %d", MCL_CURRENT));
	run = move_all(self->pg, AGENT_MOVE);
	ASSERT_NE(NULL, run);
	EXPECT_EQ(0, run->moved);
	EXPECT_EQ(-EINVAL, run->error);
	END();
}

TEST_F(agent, crosses_borders_of_vmas)
{
	const struct agent_run *run;

	NEED_MOVE();
	ASSERT_EQ(0, program_ask(&self->p, "split 20 7"));
	START();
	run = move_all(self->pg, AGENT_MOVE);
	ASSERT_NE(NULL, run);
	EXPECT_EQ(ALL, run->moved);
	EXPECT_EQ(0, run->error);
	END();
}

TEST_F(agent, stops_at_a_vma_that_cannot_be_moved)
{
	const struct agent_run *run;

	NEED_MOVE();
	ASSERT_EQ(0, program_ask(&self->p, "protect 20 7"));
	START();
	run = move_all(self->pg, AGENT_MOVE);
	ASSERT_NE(NULL, run);
	EXPECT_EQ((1 << 20) - 1, run->moved);
	EXPECT_EQ(-EINVAL, run->error);
	EXPECT_EQ(0, run->gone | run->pinned);
	END();
}

/* Without MOVE: everything stopped, copied, dropped. */
TEST_F(agent, copies_and_drops_under_stop)
{
	char cause[INJECT_CAUSE_BYTES];
	const struct agent_run *run;
	struct inject_stop stop;

	START();
	ASSERT_EQ(0, inject_stop_begin(self->p.pid, self->pg->s.res.agent_pid, &stop, cause))
	TH_LOG("%s", cause);
	run = move_all(self->pg, AGENT_COPY_DROP);
	inject_stop_end(&stop);
	ASSERT_NE(NULL, run);
	EXPECT_EQ(ALL, run->moved);
	EXPECT_EQ(0, run->error);
	EXPECT_EQ(AGENT_DROPPED, atomic_load(&self->pg->s.ctl->batch[0].phase));
	EXPECT_EQ(0, resident_pages(self->p.pid, self->base, NR_PAGES));
	for (uint32_t i = 0; i < NR_PAGES; i++)
		EXPECT_TRUE(pool_holds(self->pg, i));
	END();
}

/* A program that writes all the time never sees anything but its last write. */
TEST_F_TIMEOUT(agent, moves_under_writers, 60)
{
	struct program writers;
	const uint32_t nr_pages = 2048;
	unsigned long nr_moved = 0;
	unsigned int random_state = 1;
	uint64_t end;
	const char *line;

	NEED_MOVE();
	writers = program_start("inject_spin", "memory", "4");
	line = program_line(&writers, 5000);
	ASSERT_NE(NULL, line);
	ASSERT_EQ(0, pager_start(self->pg, writers.pid, strtoul(line + 6, NULL, 10), nr_pages));
	end = now_ns() + 3000000000ULL;
	while (now_ns() < end) {
		const struct agent_batch *batch;

		for (int i = 0; i < 4; i++) {
			uint32_t first = (uint32_t)rand_r(&random_state) % nr_pages & ~63u;
			bool twice = false;

			for (uint32_t page = first; page < first + 64; page++)
				twice |= self->pg->where[page] != IN_MEMORY;
			if (!twice)
				pager_add_run(self->pg, first, 64);
		}
		pager_post(self->pg, AGENT_MOVE);
		batch = pager_wait(self->pg, atomic_load(&self->pg->s.ctl->posted));
		ASSERT_NE(NULL, batch);
		for (uint32_t i = 0; i < AGENT_BATCH_PAGES / 64; i++)
			nr_moved += (unsigned long)__builtin_popcountll(batch->run[i].moved);
		/* The pool has room for one batch only: give all back. */
		pager_give_back(self->pg);
	}
	EXPECT_EQ(0, pager_end(self->pg));
	program_end_input(&writers);
	line = program_line(&writers, 10000);
	ASSERT_NE(NULL, line);
	EXPECT_EQ(0, strncmp(line, "ok ", 3)) TH_LOG("%s", line);
	EXPECT_GT(nr_moved, 1000);
	TH_LOG("%lu pages moved, %lu faults", nr_moved, self->pg->nr_faults);
	program_end(&writers);
}

TEST_HARNESS_MAIN
