// SPDX-License-Identifier: GPL-2.0-only
/* An agent comes and goes, and the program does not notice. */
#include "selftests/agent/inject_lib.h"

#include <kselftest_harness.h>

#define WAIT_MS	 1000
#define SLACK_MS 500
#define TRIES	 5

#define CYCLES	200
#define LONG_NS 40000000000ULL /* enough on a slow machine */

/* Attach and remove while the program waits; then how did its call end? */
struct wait_result {
	long ret;
	int error;
	long ms;
	long disturbed_ms; /* until when, from the start of the call */
};

static int disturb_wait(const char *program, const char *call, struct wait_result *res)
{
	char ms[16];
	struct program p;
	struct session s;
	const char *line;
	uint64_t begin;
	int err;

	snprintf(ms, sizeof(ms), "%d", WAIT_MS);
	p = program_start(program, call, ms);
	if (!program_line(&p, 5000))
		return -ECHILD;
	begin = now_ns();
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
	res->disturbed_ms = (long)((now_ns() - begin) / 1000000);
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
	bool anew; /* the kernel starts its time limit again, as after SIGCONT */
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
WAITING(epoll, .program = "inject_wait", .call = "epoll", .anew = true);
WAITING(sigtimedwait, .program = "inject_wait", .call = "sigtimedwait", .ret = -1, .error = EAGAIN,
	.anew = true);
WAITING(recv, .program = "inject_wait", .call = "recv", .ret = -1, .error = EAGAIN, .anew = true);

FIXTURE_SETUP(waiting)
{
}

FIXTURE_TEARDOWN(waiting)
{
}

/* The call restarts, with the time that was left. */
TEST_F_TIMEOUT(waiting, is_not_interrupted, 60)
{
	struct wait_result res;
	long limit_ms = 0;

	/* A busy machine may be late each time, but not the same in all. */
	for (int i = 0; i < TRIES && (!i || res.ms > limit_ms); i++) {
		ASSERT_EQ(0, disturb_wait(variant->program, variant->call, &res));
		EXPECT_EQ(variant->ret, res.ret);
		EXPECT_EQ(variant->error, res.error);
		EXPECT_GE(res.ms, WAIT_MS - 10);
		limit_ms = SLACK_MS;
		limit_ms += !strcmp(variant->call, "read")
				    ? res.disturbed_ms
				    : WAIT_MS + (variant->anew ? res.disturbed_ms : 0);
	}
	EXPECT_LE(res.ms, limit_ms);
}

FIXTURE(spinning){};

FIXTURE_VARIANT(spinning)
{
	const char *kind;
	const char *threads;
};

FIXTURE_VARIANT_ADD(spinning, regs){
	.kind = "regs",
	.threads = "1",
};

FIXTURE_VARIANT_ADD(spinning, signal){
	.kind = "signal",
	.threads = "0",
};

FIXTURE_VARIANT_ADD(spinning, fpu){
	.kind = "fpu",
	.threads = "8",
};

/* Regression: a sequence that a borrowed thread was in was resumed half-way. */
FIXTURE_VARIANT_ADD(spinning, rseq){
	.kind = "rseq",
	.threads = "4",
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

/* One may find it in a handler of its own, or between two: what stays different is ours. */
#define LOOKS 50

/* On a crowded machine no thread may come to a stop in time: try again. */
static int attach(struct session *s, pid_t pid)
{
	int err = -EBUSY;

	for (int i = 0; err == -EBUSY && i < 10; i++)
		err = session_attach(s, pid, false, 0);
	return err;
}

TEST_F_TIMEOUT(spinning, computes_right, 120)
{
	struct program p = program_start("inject_spin", variant->kind, variant->threads);
	uint64_t stopped_ns[CYCLES], end = now_ns() + LONG_NS;
	size_t cycles = getenv("UPAGER_TEST_QUICK") ? CYCLES / 4 : CYCLES;
	static struct traces before, after;
	const char *line;
	bool equal = false;
	size_t nr;

	ASSERT_NE(NULL, program_line(&p, 5000));
	traces_take(&before, p.pid);
	for (nr = 0; nr < cycles && now_ns() < end; nr++) {
		struct session s;

		ASSERT_EQ(0, attach(&s, p.pid)) TH_LOG("%s", s.res.cause);
		stopped_ns[nr] = s.res.stopped_ns;
		ASSERT_EQ(0, session_remove(&s)) TH_LOG("%s", s.res.cause);
	}
	for (int i = 0; i < LOOKS && !equal; i++) {
		traces_take(&after, p.pid);
		equal = traces_equal(&before, &after);
	}
	EXPECT_TRUE(equal);
	program_end_input(&p);
	line = program_line(&p, 10000);
	ASSERT_NE(NULL, line);
	EXPECT_EQ(0, strncmp(line, "ok ", 3)) TH_LOG("%s", line);
	program_end(&p);
	qsort(stopped_ns, nr, sizeof(stopped_ns[0]), compare_ns);
	TH_LOG("%s, %s threads: stopped %.2f ms at best, %.2f ms median, %.2f ms longest of %zu",
	       variant->kind, variant->threads, (double)stopped_ns[0] / 1e6,
	       (double)stopped_ns[nr / 2] / 1e6, (double)stopped_ns[nr - 1] / 1e6, nr);
}

TEST_HARNESS_MAIN
