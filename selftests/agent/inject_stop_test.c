// SPDX-License-Identifier: GPL-2.0-only
/* Everything that shares an address space stands still, and goes on unharmed. */
#include "selftests/agent/inject_lib.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>

#include <kselftest_harness.h>

#include "kernel/breakpoint.h"

/* Enough repetitions for a slow machine. */
#define LONG_NS	   10000000000ULL
/* Within which 200 ms are over. */
#define SECONDS_NS 3000000000ULL

/* Threads of @pid in (or, with @not, not in) state @state. */
static int threads_in_state(pid_t pid, char state, bool not )
{
	char path[64];
	struct dirent *de;
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (de = readdir(dir))) {
		if (de->d_name[0] != '.')
			n += (state_of(atoi(de->d_name)) == state) != not ;
	}
	if (dir)
		closedir(dir);
	return n;
}

static bool all_go_on(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		if (!threads_in_state(pid, 't', false))
			return true;
		sleep_ms(5);
	}
	return false;
}

/* Each is stopped or sleeps, though the sleep of one may just have ended. */
static bool wait_until_calm(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		if (threads_in_state(pid, 'S', false) == threads_in_state(pid, 't', true))
			return true;
		sleep_ms(5);
	}
	return false;
}

FIXTURE(stopped)
{
	struct program p;
	struct inject_stop stop;
	char cause[INJECT_CAUSE_BYTES];
};

FIXTURE_SETUP(stopped)
{
}

FIXTURE_TEARDOWN(stopped)
{
	program_end(&self->p);
}

/* On a crowded machine 200 ms may be too short: then all runs on, and may be tried again. */
static int stop_begin(const struct program *p, pid_t agent_pid, struct inject_stop *stop,
		      char *cause)
{
	int err = -EBUSY;

	for (int i = 0; err == -EBUSY && i < 20; i++)
		err = inject_stop_begin(p->pid, agent_pid, stop, cause);
	return err;
}

#define ASSERT_STOPPED(agent_pid)                                               \
	ASSERT_EQ(0, stop_begin(&self->p, agent_pid, &self->stop, self->cause)) \
	TH_LOG("%s", self->cause)

TEST_F_TIMEOUT(stopped, eight_threads_but_not_the_agent, 120)
{
	uint64_t begin, ns = 0, end = now_ns() + LONG_NS;
	struct session s;
	const char *line;

	self->p = program_start("inject_spin", "fpu", "8");
	ASSERT_NE(NULL, program_line(&self->p, 5000));
	ASSERT_EQ(0, session_attach(&s, self->p.pid, false, 0)) TH_LOG("%s", s.res.cause);
	for (int i = 0; i < 50 && now_ns() < end; i++) {
		begin = now_ns();
		ASSERT_STOPPED(s.res.agent_pid);
		ns = now_ns() - begin;
		EXPECT_EQ(0, threads_in_state(self->p.pid, 't', true));
		EXPECT_NE('t', state_of(s.res.agent_pid));
		inject_stop_end(&self->stop);
		EXPECT_TRUE(all_go_on(self->p.pid));
	}
	TH_LOG("the last stop took %.1f ms", (double)ns / 1e6);
	EXPECT_EQ(0, session_remove(&s)) TH_LOG("%s", s.res.cause);
	program_end_input(&self->p);
	line = program_line(&self->p, 10000);
	ASSERT_NE(NULL, line);
	EXPECT_EQ(0, strncmp(line, "ok ", 3)) TH_LOG("%s", line);
}

TEST_F_TIMEOUT(stopped, threads_that_come_and_go, 120)
{
	uint64_t end = now_ns() + LONG_NS;
	const char *line;

	self->p = program_start("inject_spin", "churn", "4");
	ASSERT_NE(NULL, program_line(&self->p, 5000));
	for (int i = 0; i < 50 && now_ns() < end; i++) {
		int err = stop_begin(&self->p, 0, &self->stop, self->cause);

		/* Who waits for another is kept in that wait, or nobody is stopped. */
		if (err == -EAGAIN && !breakpoint_fires())
			continue;
		ASSERT_EQ(0, err) TH_LOG("%s", self->cause);
		EXPECT_TRUE(wait_until_calm(self->p.pid));
		inject_stop_end(&self->stop);
	}
	program_end_input(&self->p);
	line = program_line(&self->p, 10000);
	ASSERT_NE(NULL, line);
	EXPECT_EQ(0, strncmp(line, "ok ", 3)) TH_LOG("%s", line);
}

TEST_F(stopped, another_process_that_shares_the_memory)
{
	pid_t sharer;

	self->p = program_start("inject_shell", NULL, NULL);
	sharer = (pid_t)program_ask(&self->p, "sharer");
	ASSERT_GT(sharer, 0);
	ASSERT_STOPPED(0);
	EXPECT_EQ('t', state_of(self->p.pid));
	EXPECT_EQ('t', state_of(sharer));
	inject_stop_end(&self->stop);
	EXPECT_TRUE(all_go_on(sharer));
	EXPECT_EQ(0, program_ask(&self->p, "fill 1"));
	kill(sharer, SIGKILL);
}

TEST_F(stopped, kernel_thread_of_a_ring)
{
	long fd;

	self->p = program_start("inject_shell", NULL, NULL);
	fd = program_ask(&self->p, "sqpoll 5000");
	if (fd < 0) {
		SKIP(return, "no SQPOLL here: %ld", fd);
	}
	ASSERT_STOPPED(0);
	EXPECT_EQ(0, threads_in_state(self->p.pid, 't', true));
	inject_stop_end(&self->stop);
	EXPECT_TRUE(all_go_on(self->p.pid));
	EXPECT_EQ(0, program_ask(&self->p, "fill 1"));
}

TEST_F(stopped, parent_in_vfork_is_busy)
{
	self->p = program_start("inject_shell", NULL, NULL);
	program_tell(&self->p, "vfork");
	ASSERT_TRUE(becomes(self->p.pid, 'D'));
	EXPECT_EQ(-EBUSY, inject_stop_begin(self->p.pid, 0, &self->stop, self->cause));
	EXPECT_NE(NULL, strstr(self->cause, "cannot be stopped")) TH_LOG("%s", self->cause);
	program_tell(&self->p, "x");
	EXPECT_EQ(0, program_answer(&self->p));
}

static void *sleep_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* A process of so many threads, which tells by its end of the pipe when all are there. */
static pid_t start_threads(int nr, int ready_fd)
{
	pthread_attr_t attr;
	pthread_t thread;
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)PTHREAD_STACK_MIN);
	while (nr-- && !pthread_create(&thread, &attr, sleep_for_ever, NULL))
		;
	if (write(ready_fd, "r", 1) == 1)
		sleep_for_ever(NULL);
	_exit(1);
}

/*
 * Regression: as many as a user may have were stopped one after the other, for seconds.  More than
 * there is time for are let go of.
 */
TEST_F_TIMEOUT(stopped, many_threads_are_too_many, 60)
{
	uint64_t begin_ns, took_ns;
	int ready[2], err;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	self->p = (struct program){ start_threads(8000, ready[1]), -1, -1 };
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	begin_ns = now_ns();
	err = inject_stop_begin(self->p.pid, 0, &self->stop, self->cause);
	took_ns = now_ns() - begin_ns;
	if (!err)
		inject_stop_end(&self->stop);
	TH_LOG("%d after %llu us: %s", err, (unsigned long long)took_ns / 1000, self->cause);
	EXPECT_LT(took_ns, SECONDS_NS);
	EXPECT_TRUE(all_go_on(self->p.pid));
}

TEST_F(stopped, dead)
{
	self->p = program_start("inject_shell", NULL, NULL);
	kill(self->p.pid, SIGKILL);
	ASSERT_TRUE(becomes(self->p.pid, 'Z'));
	EXPECT_EQ(-ESRCH, inject_stop_begin(self->p.pid, 0, &self->stop, self->cause));
}

TEST_F(stopped, stays_group_stopped)
{
	int status;

	self->p = program_start("inject_shell", "threads", NULL);
	ASSERT_EQ(0, program_ask(&self->p, "fill 1"));
	kill(self->p.pid, SIGSTOP);
	ASSERT_EQ(self->p.pid, waitpid(self->p.pid, &status, WUNTRACED));
	ASSERT_STOPPED(0);
	inject_stop_end(&self->stop);
	sleep_ms(50);
	EXPECT_EQ(2, threads_in_state(self->p.pid, 'T', false));
	EXPECT_EQ(0, waitpid(self->p.pid, &status, WUNTRACED | WCONTINUED | WNOHANG));
	kill(self->p.pid, SIGCONT);
	EXPECT_EQ(0, program_ask(&self->p, "fill 1"));
}

/*
 * A daemon that dies leaves nothing stopped.  Regression: its keeper, which
 * shares its descriptors, held the helper's channel open.
 */
TEST_F(stopped, daemon_died)
{
	pid_t daemon;
	int pid[2];
	pid_t keeper = 0;

	self->p = program_start("inject_shell", NULL, NULL);
	ASSERT_EQ(0, program_ask(&self->p, "fill 1"));
	ASSERT_EQ(0, pipe(pid));
	daemon = fork();
	if (daemon == 0) {
		keeper = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
		if (keeper == 0) {
			for (;;)
				pause();
		}
		if (write(pid[1], &keeper, sizeof(keeper)) < 0)
			_exit(1);
		inject_stop_begin(self->p.pid, 0, &self->stop, self->cause);
		kill(getpid(), SIGKILL);
	}
	waitpid(daemon, NULL, 0);
	EXPECT_EQ(0, program_ask(&self->p, "fill 1"));
	EXPECT_TRUE(all_go_on(self->p.pid));
	ASSERT_EQ(sizeof(keeper), read(pid[0], &keeper, sizeof(keeper)));
	kill(keeper, SIGKILL);
}

/* To start a helper takes longer than a stop. */
TEST_F(stopped, helper_stays_for_the_next)
{
	pid_t helper;

	self->p = program_start("inject_shell", NULL, NULL);
	ASSERT_EQ(0, program_ask(&self->p, "fill 1"));
	ASSERT_STOPPED(0);
	helper = self->stop.helper;
	inject_stop_end(&self->stop);
	EXPECT_EQ(0, program_ask(&self->p, "fill 1"));
	ASSERT_STOPPED(0);
	EXPECT_EQ(helper, self->stop.helper);
	inject_stop_end(&self->stop);
	EXPECT_EQ(0, program_ask(&self->p, "fill 1"));
	EXPECT_EQ(0, kill(helper, 0));
}

/* What it traces is let go of by its end only: a program that was killed meanwhile. */
TEST_F(stopped, helper_of_a_program_that_was_killed_goes)
{
	pid_t helper;

	self->p = program_start("inject_shell", NULL, NULL);
	ASSERT_EQ(0, program_ask(&self->p, "fill 1"));
	ASSERT_STOPPED(0);
	helper = self->stop.helper;
	kill(self->p.pid, SIGKILL);
	ASSERT_TRUE(becomes(self->p.pid, 'Z'));
	inject_stop_end(&self->stop);
	EXPECT_EQ(-1, kill(helper, 0));
	EXPECT_EQ(self->p.pid, waitpid(self->p.pid, NULL, 0));
}

/* It waits for the daemon, and not for the end of the channel, which a keeper would hold open. */
TEST_F(stopped, helper_that_stays_ends_with_the_daemon)
{
	int pid[2];
	pid_t daemon, keeper = 0, helper = 0;

	self->p = program_start("inject_shell", NULL, NULL);
	ASSERT_EQ(0, program_ask(&self->p, "fill 1"));
	ASSERT_EQ(0, pipe(pid));
	daemon = fork();
	if (daemon == 0) {
		keeper = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
		if (keeper == 0) {
			for (;;)
				pause();
		}
		if (!inject_stop_begin(self->p.pid, 0, &self->stop, self->cause)) {
			helper = self->stop.helper;
			inject_stop_end(&self->stop);
		}
		if (write(pid[1], (pid_t[]){ keeper, helper }, 2 * sizeof(pid_t)) < 0)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	waitpid(daemon, NULL, 0);
	ASSERT_EQ(sizeof(pid_t), read(pid[0], &keeper, sizeof(pid_t)));
	ASSERT_EQ(sizeof(pid_t), read(pid[0], &helper, sizeof(pid_t)));
	ASSERT_LT(0, helper);
	for (int i = 0; i < 200 && !kill(helper, 0) && state_of(helper) != 'Z'; i++)
		sleep_ms(5);
	EXPECT_TRUE(kill(helper, 0) || state_of(helper) == 'Z');
	kill(keeper, SIGKILL);
}

/* Where nothing tells that a call returns, a thread in a call that notices is in the way of a stop. */
TEST_F(stopped, nobody_is_kept_without_breakpoints)
{
	const char *line;

	setenv("UPAGER_DISABLE", "breakpoint", 1);
	self->p = program_start("inject_wait", "epoll", "300");
	ASSERT_NE(NULL, program_line(&self->p, 5000));
	sleep_ms(50);
	EXPECT_EQ(-EAGAIN, stop_begin(&self->p, 0, &self->stop, self->cause));
	EXPECT_NE(NULL, strstr(self->cause, "epoll"));
	line = program_line(&self->p, 5000);
	ASSERT_NE(NULL, line);
	EXPECT_EQ(0, strncmp(line, "0 0 ", 4)) TH_LOG("%s", line);
}

/* epoll_wait() says EINTR even after a mere stop, were it not for the helper. */
TEST_F(stopped, waiting_is_not_interrupted)
{
	static const char *const call[] = { "epoll", "nanosleep", "poll", "futex" };
	static const char *const end[] = { "0 0 ", "0 0 ", "0 0 ", "-1 110 " };

	for (size_t i = 0; i < ARRAY_SIZE(call); i++) {
		const char *line;
		int err;

		self->p = program_start("inject_wait", call[i], "300");
		ASSERT_NE(NULL, program_line(&self->p, 5000));
		sleep_ms(50);
		err = stop_begin(&self->p, 0, &self->stop, self->cause);
		if (err != -EAGAIN || breakpoint_fires())
			ASSERT_EQ(0, err) TH_LOG("%s", self->cause);
		if (!err)
			inject_stop_end(&self->stop);
		line = program_line(&self->p, 5000);
		ASSERT_NE(NULL, line);
		EXPECT_EQ(0, strncmp(line, end[i], strlen(end[i]))) TH_LOG("%s: %s", call[i], line);
		program_end(&self->p);
	}
	self->p = program_start("inject_shell", NULL, NULL);
}

TEST_HARNESS_MAIN
