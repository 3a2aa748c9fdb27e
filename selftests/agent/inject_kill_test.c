// SPDX-License-Identifier: GPL-2.0-only
/*
 * The injector is killed before each single operation on its target: the
 * program goes on as if nothing had happened [F14].
 */
#include "selftests/agent/inject_lib.h"

#include <kselftest_harness.h>

#define KILL_AT_ENV    "UPAGER_INJECT_KILL_AT"
#define OPERATIONS_MAX 2000

/* Every operation; on a slow machine, such as an emulated one, every seventh after a while. */
static int next_step(int n, uint64_t begin_ns)
{
	return n + (now_ns() - begin_ns > 40000000000ULL ? 7 : 1);
}

/* @op: 'a'ttach, 'r'emove, 's'top */
static void kill_at(char op, int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%c%d", op, n);
	setenv(KILL_AT_ENV, text, 1);
}

/* Runs or sleeps by its own choice, with no signal blocked. */
static bool is_well(pid_t pid)
{
	char path[64], line[128], state = 0;
	unsigned long long blocked = 1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "State: %c", &state);
		sscanf(line, "SigBlk: %llx", &blocked);
	}
	if (f)
		fclose(f);
	return strchr("RS", state) && !blocked;
}

/* It may just be in the few instructions that lead back into the program. */
static bool is_well_soon(pid_t pid)
{
	for (int i = 0; i < 500; i++) {
		if (is_well(pid))
			return true;
		sleep_ms(1);
	}
	return false;
}

FIXTURE(killed)
{
	struct program p;
};

FIXTURE_VARIANT(killed)
{
	const char *program;
	const char *arg1;
	const char *arg2;
};

FIXTURE_VARIANT_ADD(killed, computing){
	.program = "inject_spin",
	.arg1 = "regs",
	.arg2 = "0",
};

FIXTURE_VARIANT_ADD(killed, waiting){
	.program = "inject_shell",
};

FIXTURE_SETUP(killed)
{
	self->p = program_start(variant->program, variant->arg1, variant->arg2);
	if (variant->arg1) {
		ASSERT_NE(NULL, program_line(&self->p, 5000));
	} else {
		ASSERT_EQ(0, program_ask(&self->p, "fill 1"));
	}
}

FIXTURE_TEARDOWN(killed)
{
	unsetenv(KILL_AT_ENV);
	program_end(&self->p);
}

static bool still_answers(const struct program *p, bool is_shell)
{
	return is_well_soon(p->pid) && (!is_shell || program_ask(p, "fill 1") == 0);
}

static bool computed_right(struct program *p)
{
	const char *line;

	program_end_input(p);
	line = program_line(p, 5000);
	return line && !strncmp(line, "ok ", 3);
}

TEST_F_TIMEOUT(killed, in_attach, 120)
{
	static struct traces before, after;
	struct session s;
	int leftovers = 0;
	uint64_t begin_ns = now_ns();
	int err = -EIO;
	int n;

	traces_take(&before, self->p.pid);
	for (n = 1; err && n < OPERATIONS_MAX; n = next_step(n, begin_ns)) {
		kill_at('a', n);
		err = session_attach(&s, self->p.pid, false, 0);
		ASSERT_TRUE(err == 0 || err == -EIO) TH_LOG("at %d: %s", n, s.res.cause);
		ASSERT_TRUE(still_answers(&self->p, !variant->arg1)) TH_LOG("at %d", n);
		if (!err)
			break;
		traces_take(&after, self->p.pid);
		if (!traces_equal(&before, &after)) {
			TH_LOG("at %d", n);
			leftovers++;
			before = after;
		}
	}
	/* Address space without memory, if it dies before it could note what it had mapped. */
	EXPECT_LE(leftovers, 1);
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, session_remove(&s)) TH_LOG("%s", s.res.cause);
	TH_LOG("the last operation is number %d", n - 1);
	if (variant->arg1)
		EXPECT_TRUE(computed_right(&self->p));
}

TEST_F_TIMEOUT(killed, in_remove, 120)
{
	static struct traces before, after;
	struct session s;
	uint64_t begin_ns = now_ns();
	bool died = true;
	int n;

	traces_take(&before, self->p.pid);
	for (n = 1; died && n < OPERATIONS_MAX; n = next_step(n, begin_ns)) {
		struct inject_result *res = &s.res;
		int err;

		ASSERT_EQ(0, session_attach(&s, self->p.pid, false, 0)) TH_LOG("%s", res->cause);
		kill_at('r', n);
		err = inject_remove(self->p.pid, res->agent_pid, res->agent_pidfd, &res->place,
				    res->cause);
		unsetenv(KILL_AT_ENV);
		died = err == -EIO;
		ASSERT_TRUE(still_answers(&self->p, !variant->arg1)) TH_LOG("at %d", n);
		/* The agent died with the injector: a thread of the program is needed now. */
		ASSERT_EQ(0, session_remove(&s)) TH_LOG("at %d: %s", n, res->cause);
		traces_take(&after, self->p.pid);
		ASSERT_TRUE(traces_equal(&before, &after)) TH_LOG("at %d", n);
	}
	ASSERT_FALSE(died);
	if (variant->arg1)
		EXPECT_TRUE(computed_right(&self->p));
}

TEST_F_TIMEOUT(killed, in_stop, 120)
{
	char cause[INJECT_CAUSE_BYTES];
	struct inject_stop stop;
	uint64_t begin_ns = now_ns();
	int err = -EIO;
	int n;

	for (n = 1; err && n < OPERATIONS_MAX; n = next_step(n, begin_ns)) {
		kill_at('s', n);
		err = inject_stop_begin(self->p.pid, 0, &stop, cause);
		ASSERT_TRUE(err == 0 || err == -EIO) TH_LOG("at %d: %s", n, cause);
		if (!err)
			inject_stop_end(&stop);
		ASSERT_TRUE(still_answers(&self->p, !variant->arg1)) TH_LOG("at %d", n);
	}
	ASSERT_EQ(0, err);
	if (variant->arg1)
		EXPECT_TRUE(computed_right(&self->p));
}

TEST_HARNESS_MAIN
