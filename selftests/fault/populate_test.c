// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * `upager populate` brings everything in, beside other commands too.
 */
#include "selftests/journey.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

PAGER_FIXTURE(populate)

/* Everything comes in when the budget has room for it; a smaller budget is kept afterwards. */
TEST_F_TIMEOUT(populate, populate, 120)
{
	struct program p = worker_start("attach_worker", "4", NULL);
	struct upager_record rec;

	ASSERT_GE(cli_attach(&self->pager, p.pid, QUARTER), 0);
	EXPECT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
	EXPECT_TRUE(cli_budget(&self->pager, p.pid, 2 * WORKER_BYTES));
	EXPECT_TRUE(cli_quietly(&self->pager, "populate", p.pid));
	EXPECT_TRUE(has_everything(p.pid));
	rec = pager_status(&self->pager, p.pid);
	EXPECT_EQ(0, rec.swapped_bytes);
	EXPECT_EQ(0, rec.standby_bytes);
	EXPECT_EQ(UPAGER_PROC_PAGED, rec.state);
	EXPECT_TRUE(is_working(&p));

	EXPECT_TRUE(cli_budget(&self->pager, p.pid, QUARTER));
	EXPECT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
	/* Regression: after a populate nothing was evicted any more. */
	EXPECT_TRUE(cli_quietly(&self->pager, "populate", p.pid));
	EXPECT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
	EXPECT_TRUE(is_working(&p));
	EXPECT_TRUE(cli_quietly(&self->pager, "detach", p.pid));
	EXPECT_TRUE(has_everything(p.pid));
	EXPECT_TRUE(is_working(&p));
	EXPECT_EQ(0, program_end(&p));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Regression: the end of one populate made another one, or a detach, wait for ever. */
TEST_F_TIMEOUT(populate, several_at_once, 120)
{
	static const char *const commands[] = { "populate", "populate", "populate", "detach" };
	struct program p = worker_start("attach_worker", "2", NULL);
	pid_t child[ARRAY_SIZE(commands)];

	for (int round = 0; round < 5; round++) {
		int status = -1;

		ASSERT_GE(cli_attach(&self->pager, p.pid, QUARTER), 0);
		EXPECT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
			size_t k = (i + (size_t)round) % ARRAY_SIZE(commands);

			child[k] = cli_start(&self->pager, commands[k], p.pid);
		}
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
			bool ended =
				wait_until(30, waitpid(child[i], &status, WNOHANG) == child[i]);

			ASSERT_TRUE(ended) TH_LOG("%s hangs", commands[i]);
		}
		/* Those that come after the detach are refused; the detach is not. */
		EXPECT_EQ(0, status);
		EXPECT_TRUE(has_everything(p.pid));
		EXPECT_TRUE(is_working(&p));
	}
	EXPECT_EQ(0, program_end(&p));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
