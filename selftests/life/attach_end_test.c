// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * Pager and program part without a detach: either ends while the other is at work.
 */
#include "selftests/journey.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

PAGER_FIXTURE(attach_end)

/* SIGTERM gives three programs everything back, and they go on without the pager. */
TEST_F_TIMEOUT(attach_end, sigterm_of_the_daemon, 120)
{
	static const struct {
		const char *name;
		const char *threads;
		const char *mode;
	} kind[] = {
		{ "attach_worker", "4", NULL },
		{ "attach_worker_static", "1", NULL },
		{ "attach_worker", "1", "fork" },
	};
	static struct traces before[ARRAY_SIZE(kind)], after;
	struct program p[ARRAY_SIZE(kind)];
	int orphans = nr_orphans();

	for (size_t i = 0; i < ARRAY_SIZE(kind); i++) {
		p[i] = worker_start(kind[i].name, kind[i].threads, kind[i].mode);
		traces_take(&before[i], p[i].pid, kind[i].mode);
		ASSERT_GE(cli_attach(&self->pager, p[i].pid, QUARTER), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++)
		EXPECT_TRUE(is_paged(&self->pager, p[i].pid, QUARTER));
	EXPECT_EQ(0, pager_stop(&self->pager));
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++) {
		EXPECT_TRUE(has_everything(p[i].pid));
		traces_take(&after, p[i].pid, kind[i].mode);
		EXPECT_TRUE(traces_equal(&before[i], &after));
	}
	EXPECT_TRUE(wait_until(5, nr_orphans() == orphans));
	EXPECT_NE(0, access(self->pager.socket, F_OK));
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++) {
		EXPECT_TRUE(is_working(&p[i]));
		EXPECT_EQ(0, program_end(&p[i]));
	}
}

/* A program that ends while it is paged, or while it is given back. */
TEST_F_TIMEOUT(attach_end, ends_meanwhile, 120)
{
	for (int i = 0; i < 4; i++) {
		struct program p = worker_start("attach_worker", "4", NULL);
		int orphans = nr_orphans();
		pid_t detach = 0;
		int status = -1;

		ASSERT_GE(cli_attach(&self->pager, p.pid, QUARTER), 0);
		EXPECT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
		if (i % 2)
			detach = cli_start(&self->pager, "detach", p.pid);
		if (i / 2)
			sleep_us(3000);
		kill(p.pid, SIGKILL);
		EXPECT_TRUE(wait_until(10, waitpid(p.pid, &status, WNOHANG) == p.pid));
		EXPECT_TRUE(!detach || wait_until(20, waitpid(detach, &status, WNOHANG) == detach));
		EXPECT_TRUE(wait_until(10, pager_status(&self->pager, p.pid).pid == 0));
		EXPECT_TRUE(wait_until(10, nr_orphans() == orphans));
		close(p.in);
		close(p.out);
	}
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
