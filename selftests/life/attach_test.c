// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 400
 *
 * `upager attach` of running programs, work under pressure, and `upager
 * detach`, which leaves no trace.
 */
#include "selftests/journey.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

PAGER_FIXTURE(attach)

static bool once(struct pager *pg, const char *name, const char *threads, const char *mode)
{
	struct program p = worker_start(name, threads, mode);
	bool ok;

	ok = is_working(&p) && go_round(pg, &p, mode != NULL, 3000) && is_working(&p);
	if (ok)
		fprintf(stderr, "# %s, %s threads: stopped for %.2f ms\n", name, threads,
			journey.stopped_ms);
	return program_end(&p) == 0 && ok;
}

TEST_F_TIMEOUT(attach, one_thread, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker", "1", NULL));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(attach, one_thread_static, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker_static", "1", NULL));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(attach, eight_threads, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker", "8", NULL));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(attach, eight_threads_static, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker_static", "8", NULL));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(attach, forks_in_a_loop, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker", "1", "fork"));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(attach, two_threads_fork, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker_static", "2", "fork"));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* The same process again and again, detached while four threads fault. */
TEST_F_TIMEOUT(attach, twenty_times, 240)
{
	struct program p = worker_start("attach_worker", "4", NULL);
	double longest_ms = 0;

	for (uint64_t i = 0; i < guard_times(20, 6); i++) {
		ASSERT_TRUE(go_round(&self->pager, &p, false, 50))
		TH_LOG("round %llu", (unsigned long long)i);
		longest_ms = max_t(double, longest_ms, journey.stopped_ms);
	}
	TH_LOG("stopped for at most %.2f ms", longest_ms);
	EXPECT_TRUE(is_working(&p));
	EXPECT_EQ(0, program_end(&p));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* A program that rests, whose pages all are outside or in standby. */
TEST_F_TIMEOUT(attach, at_rest, 120)
{
	struct program p = worker_start("attach_worker", "3", NULL);

	ASSERT_TRUE(is_working(&p));
	ASSERT_EQ(0, program_ask(&p, "rest"));
	ASSERT_GE(cli_attach(&self->pager, p.pid, QUARTER), 0);
	EXPECT_TRUE(wait_until(20, is_within(p.pid, QUARTER)));
	EXPECT_TRUE(cli_quietly(&self->pager, "detach", p.pid));
	EXPECT_TRUE(has_everything(p.pid));
	EXPECT_EQ(0, program_ask(&p, "check"));
	EXPECT_EQ(0, program_ask(&p, "go"));
	EXPECT_TRUE(is_working(&p));
	EXPECT_EQ(0, program_end(&p));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* A call that the program waits in goes on with the time that was left. */
TEST_F_TIMEOUT(attach, blocked_in_a_call, 120)
{
	static const struct {
		const char *program;
		const char *call;
		long ret;
		int error;
		long extra_ms; /* the kernel starts its time limit again, twice, as after SIGCONT */
	} calls[] = {
		{ "inject_wait", "nanosleep", 0, 0, 0 },
		{ "inject_wait_static", "clock_nanosleep", 0, 0, 0 },
		{ "inject_wait", "poll", 0, 0, 0 },
		{ "inject_wait_static", "futex", -1, ETIMEDOUT, 0 },
		{ "inject_wait", "epoll", 0, 0, 3000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct program p = program_start(calls[i].program, calls[i].call, "2000", NULL);
		long ret = 0, ms = 0;
		char line[64];
		int error = 0;

		ASSERT_TRUE(read_line(p.out, line, sizeof(line)));
		sleep_us(100000);
		EXPECT_GE(cli_attach(&self->pager, p.pid, 4 * MIB), 0);
		sleep_us(100000);
		EXPECT_TRUE(cli_quietly(&self->pager, "detach", p.pid));
		ASSERT_TRUE(read_line(p.out, line, sizeof(line)));
		EXPECT_EQ(3, sscanf(line, "%ld %d %ld", &ret, &error, &ms));
		EXPECT_EQ(calls[i].ret, ret) TH_LOG("%s: %s", calls[i].call, line);
		EXPECT_EQ(calls[i].error, error) TH_LOG("%s: %s", calls[i].call, line);
		EXPECT_GE(ms, 1990) TH_LOG("%s: %s", calls[i].call, line);
		EXPECT_LE(ms, 2800 + calls[i].extra_ms) TH_LOG("%s: %s", calls[i].call, line);
		program_end(&p);
	}
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* A forked child that touches nothing meanwhile: nobody knows yet which process it is. */
TEST_F_TIMEOUT(attach, detach_with_resting_child, 120)
{
	struct program p = worker_start("attach_worker", "2", NULL);

	ASSERT_GE(cli_attach(&self->pager, p.pid, QUARTER), 0);
	ASSERT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
	ASSERT_EQ(0, program_ask(&p, "rest"));
	ASSERT_EQ(0, program_ask(&p, "fork"));
	EXPECT_TRUE(cli_quietly(&self->pager, "detach", p.pid));
	EXPECT_TRUE(has_everything(p.pid));
	EXPECT_EQ(0, program_ask(&p, "join"));
	EXPECT_EQ(0, program_ask(&p, "check"));
	EXPECT_EQ(0, program_ask(&p, "go"));
	EXPECT_TRUE(is_working(&p));
	EXPECT_EQ(0, program_end(&p));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
