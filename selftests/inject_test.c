// SPDX-License-Identifier: GPL-2.0-only
/* An agent comes and goes, and the program does not notice. */
#include "selftests/inject_lib.h"

#include <kselftest_harness.h>

#define WAIT_MS	    1000
#define SLACK_MS    150
#define MAX_STOP_NS 10000000ULL

/* Attach and remove while the program waits; then how did its call end? */
struct wait_result {
	long ret;
	int error;
	long ms;
};

static int disturb_wait(const char *program, const char *call, struct wait_result *res)
{
	char ms[16];
	struct program p;
	struct session s;
	const char *line;
	int err;

	snprintf(ms, sizeof(ms), "%d", WAIT_MS);
	p = program_start(program, call, ms);
	if (!program_line(&p, 5000))
		return -ECHILD;
	sleep_ms(200);
	err = session_attach(&s, p.pid, false, 0);
	if (!err) {
		sleep_ms(100);
		err = session_remove(&s);
	}
	if (err)
		fprintf(stderr, "# %s: %s\n", call, s.res.cause);
	if (!strcmp(call, "read")) {
		sleep_ms(WAIT_MS - 300);
		program_end_input(&p);
	}
	line = program_line(&p, 5000);
	if (!line || sscanf(line, "%ld %d %ld", &res->ret, &res->error, &res->ms) != 3)
		err = -ENODATA;
	program_end(&p);
	return err;
}

FIXTURE(waiting){};

FIXTURE_VARIANT(waiting)
{
	const char *program;
	const char *call;
	long ret;
	int error;
	long extra_ms; /* the kernel starts its time limit again, as after SIGCONT */
};

#define WAITING(name, ...)                 \
	FIXTURE_VARIANT_ADD(waiting, name) \
	{                                  \
		__VA_ARGS__                \
	}

WAITING(nanosleep, .program = "inject_wait", .call = "nanosleep");
WAITING(nanosleep_static, .program = "inject_wait_static", .call = "nanosleep");
WAITING(clock_nanosleep, .program = "inject_wait", .call = "clock_nanosleep");
WAITING(poll, .program = "inject_wait", .call = "poll");
WAITING(select, .program = "inject_wait", .call = "select");
WAITING(read, .program = "inject_wait", .call = "read");
WAITING(futex, .program = "inject_wait", .call = "futex", .ret = -1, .error = ETIMEDOUT);
WAITING(epoll, .program = "inject_wait", .call = "epoll", .extra_ms = 400);
WAITING(sigtimedwait, .program = "inject_wait", .call = "sigtimedwait", .ret = -1, .error = EAGAIN,
	.extra_ms = 400);
WAITING(recv, .program = "inject_wait", .call = "recv", .ret = -1, .error = EAGAIN,
	.extra_ms = 400);

FIXTURE_SETUP(waiting)
{
}

FIXTURE_TEARDOWN(waiting)
{
}

/* The call restarts, with the time that was left. */
TEST_F(waiting, is_not_interrupted)
{
	struct wait_result res;

	ASSERT_EQ(0, disturb_wait(variant->program, variant->call, &res));
	EXPECT_EQ(variant->ret, res.ret);
	EXPECT_EQ(variant->error, res.error);
	EXPECT_GE(res.ms, WAIT_MS - 10);
	EXPECT_LE(res.ms, WAIT_MS + SLACK_MS + variant->extra_ms);
}

FIXTURE(spinning){};

FIXTURE_VARIANT(spinning)
{
	const char *kind;
	const char *threads;
	int cycles;
};

FIXTURE_VARIANT_ADD(spinning, regs){
	.kind = "regs",
	.threads = "1",
	.cycles = 200,
};

FIXTURE_VARIANT_ADD(spinning, signal){
	.kind = "signal",
	.threads = "0",
	.cycles = 200,
};

FIXTURE_VARIANT_ADD(spinning, fpu){
	.kind = "fpu",
	.threads = "8",
	.cycles = 200,
};

/* Regression: a sequence that a borrowed thread was in was resumed half-way. */
FIXTURE_VARIANT_ADD(spinning, rseq){
	.kind = "rseq",
	.threads = "4",
	.cycles = 200,
};

FIXTURE_SETUP(spinning)
{
}

FIXTURE_TEARDOWN(spinning)
{
}

static int compare_ns(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

TEST_F_TIMEOUT(spinning, computes_right, 120)
{
	struct program p = program_start("inject_spin", variant->kind, variant->threads);
	uint64_t stopped_ns[200];
	static struct traces before, after;
	const char *line;

	ASSERT_NE(NULL, program_line(&p, 5000));
	traces_take(&before, p.pid);
	for (int i = 0; i < variant->cycles; i++) {
		struct session s;

		ASSERT_EQ(0, session_attach(&s, p.pid, false, 0)) TH_LOG("%s", s.res.cause);
		stopped_ns[i] = s.res.stopped_ns;
		ASSERT_EQ(0, session_remove(&s)) TH_LOG("%s", s.res.cause);
	}
	traces_take(&after, p.pid);
	EXPECT_TRUE(traces_equal(&before, &after));
	program_end_input(&p);
	line = program_line(&p, 10000);
	ASSERT_NE(NULL, line);
	EXPECT_EQ(0, strncmp(line, "ok ", 3)) TH_LOG("%s", line);
	program_end(&p);
	qsort(stopped_ns, (size_t)variant->cycles, sizeof(stopped_ns[0]), compare_ns);
	TH_LOG("%s, %s threads: stopped %.2f ms median, %.2f ms longest", variant->kind,
	       variant->threads, (double)stopped_ns[variant->cycles / 2] / 1e6,
	       (double)stopped_ns[variant->cycles - 1] / 1e6);
	EXPECT_LT(stopped_ns[variant->cycles / 2], MAX_STOP_NS);
}

TEST_HARNESS_MAIN
