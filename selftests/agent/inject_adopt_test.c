// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent is an orphan of its target's PID namespace.  No program that waits
 * for its own children shall have to wait for it.
 */
#include "selftests/agent/inject_lib.h"

#include <sched.h>

#include <kselftest_harness.h>

/* What a process of the test does in its namespace: told by a byte, answered by one. */
struct told {
	pid_t pid;
	int to;
	int from;
};

static struct told told_start(int flags, void (*act)(int to, int from))
{
	int to[2], from[2];
	struct told t = { 0 };

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		abort();
	t.pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	t.to = to[1];
	t.from = from[0];
	if (t.pid)
		return t;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	act(to[0], from[1]);
	_exit(0);
}

static int told_answer(const struct told *t)
{
	struct pollfd pfd = { .fd = t->from, .events = POLLIN };
	signed char answer;

	return poll(&pfd, 1, 20000) == 1 && read(t->from, &answer, 1) == 1 ? answer : -99;
}

static int told_ask(const struct told *t)
{
	return write(t->to, "", 1) == 1 ? told_answer(t) : -98;
}

static void told_end(struct told *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	close(t->to);
	close(t->from);
}

static void answer(int fd, int value)
{
	signed char byte = (signed char)value;

	if (write(fd, &byte, 1) != 1)
		_exit(1);
}

static void await(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		_exit(1);
}

/* -errno of an attach; with a cause that says @word. */
static int attach(pid_t pid, const char *word, struct session *s)
{
	int err = session_attach(s, pid, false, 0);

	if (err && !strstr(s->res.cause, word)) {
		fprintf(stderr, "# \"%s\" does not say \"%s\"\n", s->res.cause, word);
		return 1;
	}
	return err;
}

static pid_t child_of(pid_t pid)
{
	char path[64];
	int child = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%d", &child) != 1)
		child = 0;
	if (f)
		fclose(f);
	return child;
}

/* A server that is the first process of its container, with a worker: forked, not executed. */
static void first_with_worker(int to, int from)
{
	pid_t worker = fork();
	int strangers = 0;

	if (!worker) {
		for (;;)
			pause();
	}
	answer(from, 0);
	await(to);
	kill(worker, SIGKILL);
	while (wait(NULL) > 0)
		strangers++;
	answer(from, strangers - 1);
	pause();
}

TEST(worker_of_the_first_process)
{
	struct told t = told_start(CLONE_NEWPID, first_with_worker);
	struct session s;
	int err;

	ASSERT_LT(0, t.pid);
	ASSERT_EQ(0, told_answer(&t));
	err = attach(child_of(t.pid), "worker", &s);
	EXPECT_EQ(-EOPNOTSUPP, err);
	/* Its wait() ends, and tells of the worker alone. */
	EXPECT_EQ(0, told_ask(&t));
	if (!err)
		session_close(&s);
	told_end(&t);
}

/* An init executes what it starts. */
static void first_with_program(int to, int from)
{
	pid_t program = fork();

	if (!program) {
		execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(1);
	}
	answer(from, 0);
	await(to);
	answer(from, 0);
	pause();
}

TEST(program_below_an_init)
{
	struct told t = told_start(CLONE_NEWPID, first_with_program);
	char comm[32] = "";
	struct session s;
	char path[64];

	ASSERT_LT(0, t.pid);
	ASSERT_EQ(0, told_answer(&t));
	snprintf(path, sizeof(path), "/proc/%d/comm", child_of(t.pid));
	for (int i = 0; i < 2000 && strcmp(comm, "sleep\n"); i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		memset(comm, 0, sizeof(comm));
		if (read(fd, comm, sizeof(comm) - 1) < 0)
			break;
		close(fd);
		sleep_ms(1);
	}
	ASSERT_EQ(0, attach(child_of(t.pid), "", &s));
	EXPECT_EQ(0, session_remove(&s));
	EXPECT_EQ(0, told_ask(&t));
	told_end(&t);
}

/* What starts a container; its first child is the first process there. */
static void launcher(int to, int from)
{
	int status = 0;
	pid_t child;

	answer(from, unshare(CLONE_NEWPID) ? -errno : 0);
	await(to);
	child = fork();
	if (!child)
		_exit(getpid() == 1 && fork() >= 0 && wait(NULL) == 2 && wait(NULL) < 0 ? 0 : 9);
	if (child < 0)
		answer(from, -errno);
	else
		answer(from, waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : -97);
	await(to);
	child = fork();
	answer(from, child < 0 ? -errno : 0);
	pause();
}

TEST(launcher_of_a_container)
{
	struct told t = told_start(0, launcher);
	struct session s;
	int err;

	ASSERT_LT(0, t.pid);
	ASSERT_EQ(0, told_answer(&t));
	err = attach(t.pid, "namespace", &s);
	EXPECT_EQ(-EOPNOTSUPP, err);
	EXPECT_EQ(0, told_ask(&t));
	/* That one has ended, and its namespace with it. */
	EXPECT_EQ(-ENOMEM, told_ask(&t));
	if (!err)
		session_close(&s);
	told_end(&t);
}

TEST_HARNESS_MAIN
