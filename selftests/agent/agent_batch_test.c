// SPDX-License-Identifier: GPL-2.0-only
/* Batches that must not move anything (held, cancelled, revoked), or not yet (an unread event). */
#include "selftests/agent/agent_fixture.h"

TEST_F(agent, waits_while_held)
{
	const struct agent_batch *batch;

	NEED_MOVE();
	START();
	self->pg->paused = 1;
	sleep_ms(20);
	pager_hold(self->pg);
	pager_add_run(self->pg, 0, NR_PAGES);
	pager_post(self->pg, AGENT_MOVE);
	sleep_ms(50);
	EXPECT_EQ(0, atomic_load(&self->pg->s.ctl->done));
	EXPECT_EQ(0, atomic_load(&self->pg->s.ctl->busy));
	EXPECT_EQ(NR_PAGES, resident_pages(self->p.pid, self->base, NR_PAGES));
	pager_release(self->pg);
	self->pg->paused = 0;
	batch = pager_wait(self->pg, 1);
	ASSERT_NE(NULL, batch);
	EXPECT_EQ(ALL, batch->run[0].moved);
	END();
}

TEST_F(agent, moves_nothing_when_cancelled)
{
	const struct agent_run *run;

	NEED_MOVE();
	START();
	atomic_store(&self->pg->s.ctl->cancel, 1);
	run = move_all(self->pg, AGENT_MOVE);
	ASSERT_NE(NULL, run);
	EXPECT_EQ(0, run->moved | run->gone | run->pinned);
	EXPECT_EQ(0, run->error);
	EXPECT_EQ(NR_PAGES, resident_pages(self->p.pid, self->base, NR_PAGES));
	atomic_store(&self->pg->s.ctl->cancel, 0);
	run = move_all(self->pg, AGENT_MOVE);
	ASSERT_NE(NULL, run);
	EXPECT_EQ(ALL, run->moved);
	END();
}

/* A batch that the daemon took back is counted, not carried out. */
TEST_F(agent, moves_nothing_when_revoked)
{
	struct agent_ctl *ctl;

	NEED_MOVE();
	START();
	ctl = self->pg->s.ctl;
	self->pg->paused = 1;
	sleep_ms(20);
	pager_hold(self->pg);
	pager_add_run(self->pg, 0, NR_PAGES);
	pager_post(self->pg, AGENT_MOVE);
	atomic_store(&ctl->batch[0].phase, AGENT_REVOKED);
	pager_release(self->pg);
	self->pg->paused = 0;
	ASSERT_NE(NULL, pager_wait(self->pg, 1));
	EXPECT_EQ(AGENT_REVOKED, atomic_load(&ctl->batch[0].phase));
	EXPECT_EQ(0, ctl->batch[0].run[0].moved);
	EXPECT_EQ(NR_PAGES, resident_pages(self->p.pid, self->base, NR_PAGES));
	END();
}

/* The kernel refuses MOVE while an event is unread [F1]; the agent comes again. */
TEST_F(agent, waits_for_an_unread_event)
{
	const struct agent_batch *batch;

	NEED_MOVE();
	START();
	self->pg->paused = 1;
	sleep_ms(20);
	program_tell(&self->p, "drop 63 1");
	sleep_ms(50);
	pager_add_run(self->pg, 0, NR_PAGES - 1);
	pager_post(self->pg, AGENT_MOVE);
	/* Its waits have a time limit: after a stop they go on by restart_syscall [F17]. */
	for (int i = 0; i < 20; i++) {
		kill(self->pg->s.res.agent_pid, SIGSTOP);
		sleep_ms(1);
		kill(self->pg->s.res.agent_pid, SIGCONT);
		sleep_ms(1);
	}
	EXPECT_EQ(0, atomic_load(&self->pg->s.ctl->done));
	EXPECT_EQ(NR_PAGES, resident_pages(self->p.pid, self->base, NR_PAGES));
	self->pg->paused = 0;
	EXPECT_EQ(0, program_answer(&self->p));
	batch = pager_wait(self->pg, 1);
	ASSERT_NE(NULL, batch);
	EXPECT_EQ(ALL >> 1, batch->run[0].moved);
	EXPECT_EQ(1, program_ask(&self->p, "check 1 0"));
	EXPECT_EQ(0, pager_end(self->pg));
}

TEST_HARNESS_MAIN
