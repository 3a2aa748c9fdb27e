// SPDX-License-Identifier: GPL-2.0-only
/* Programs in odd states, and what they may do while an agent is with them. */
#include "selftests/agent/inject_lib.h"

#include <linux/seccomp.h>
#include <sys/stat.h>

#include <kselftest_harness.h>

FIXTURE(shell)
{
	struct program p;
	struct traces before;
};

FIXTURE_SETUP(shell)
{
	self->p = program_start("inject_shell", NULL, NULL);
	ASSERT_EQ(0, program_ask(&self->p, "fill 1"));
}

FIXTURE_TEARDOWN(shell)
{
	program_end(&self->p);
}

static bool unchanged(const struct traces *before, pid_t pid)
{
	static struct traces after;

	traces_take(&after, pid);
	return traces_equal(before, &after);
}

/* The value of a line of /proc/PID/status, in base @base. */
static long status_of(pid_t pid, const char *key, int base)
{
	char path[64], line[128];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			value = strtol(line + strlen(key) + 1, NULL, base);
	}
	if (f)
		fclose(f);
	return value;
}

static int count_lines(const char *fmt, int pid, const char *word)
{
	char path[64], line[256];
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), fmt, pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, word) != NULL;
	if (f)
		fclose(f);
	return n;
}

static int count_fds(pid_t pid)
{
	char command[64];
	int n = -1;
	FILE *f;

	snprintf(command, sizeof(command), "ls /proc/%d/fd | wc -l", pid);
	f = popen(command, "re");
	if (!f || fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		pclose(f);
	return n;
}

#define ASSERT_ATTACHED(s, pid) \
	ASSERT_EQ(0, session_attach(s, pid, false, 0)) TH_LOG("%s", (s)->res.cause)
#define EXPECT_REMOVED(s) EXPECT_EQ(0, session_remove(s)) TH_LOG("%s", (s)->res.cause)

/* What the agent is, and that nothing of ours is in the program's table. */
TEST_F(shell, agent_is_powerless)
{
	struct inject_place *pl;
	struct session s;
	pid_t agent;
	int nr_fds = count_fds(self->p.pid);
	int nr_dontdump = count_lines("/proc/%d/smaps", self->p.pid, " dd ");

	ASSERT_ATTACHED(&s, self->p.pid);
	agent = s.res.agent_pid;
	pl = &s.res.place;
	EXPECT_EQ(4, count_fds(agent));
	EXPECT_EQ(nr_fds, count_fds(self->p.pid));
	EXPECT_EQ(0, status_of(agent, "CapPrm", 16));
	EXPECT_EQ(0, status_of(agent, "CapEff", 16));
	EXPECT_EQ(1, status_of(agent, "NoNewPrivs", 10));
	EXPECT_EQ(2, status_of(agent, "Seccomp", 10));
	EXPECT_EQ(0, status_of(agent, "TracerPid", 10));
	EXPECT_EQ(agent, status_of(agent, "NSsid", 10));
	EXPECT_NE(self->p.pid, status_of(agent, "PPid", 10));
	EXPECT_EQ(1, count_lines("/proc/%d/comm", agent, "upager-agent"));
	EXPECT_EQ(1, atomic_load(&s.ctl->ready));
	EXPECT_EQ(AGENT_MAGIC, s.ctl->magic);
	EXPECT_EQ(pl->staging_addr, s.ctl->staging);
	EXPECT_EQ(AGENT_STAGING_PAGES, s.ctl->staging_pages);
	EXPECT_EQ(0, pl->staging_addr % PAGE_SIZE);
	/* Control page, code, stack, staging and two pages between. */
	EXPECT_EQ(6, count_lines("/proc/%d/smaps", self->p.pid, " dc "));
	EXPECT_EQ(nr_dontdump + 6, count_lines("/proc/%d/smaps", self->p.pid, " dd "));
	EXPECT_REMOVED(&s);
}

TEST_F(shell, agent_quits_when_told)
{
	struct session s;
	struct pollfd pfd;

	ASSERT_ATTACHED(&s, self->p.pid);
	atomic_store(&s.ctl->quit, 1);
	atomic_fetch_add(&s.ctl->posted, 1);
	syscall(SYS_futex, &s.ctl->posted, 1 /* FUTEX_WAKE */, 1, NULL, NULL, 0);
	pfd = (struct pollfd){ .fd = s.res.agent_pidfd, .events = POLLIN };
	EXPECT_EQ(1, poll(&pfd, 1, 2000));
	EXPECT_EQ(-ECHILD, program_ask(&self->p, "wait %d", __WALL));
	/* By a thread of the program, as there is no agent any more. */
	EXPECT_REMOVED(&s);
	EXPECT_EQ(0, count_lines("/proc/%d/maps", self->p.pid, "memfd"));
}

/* Regression [F20]: with an agent thread both failed. */
TEST_F(shell, seccomp_tsync_and_new_user_namespace)
{
	struct session s;

	ASSERT_ATTACHED(&s, self->p.pid);
	EXPECT_EQ(-ECHILD, program_ask(&self->p, "wait 0"));
	EXPECT_EQ(-ECHILD, program_ask(&self->p, "wait %d", __WALL));
	EXPECT_EQ(0, program_ask(&self->p, "filter %d %ld", SYS_getppid, (long)SECCOMP_RET_ERRNO));
	EXPECT_EQ(0, program_ask(&self->p, "new_user_ns"));
	EXPECT_REMOVED(&s);
	EXPECT_EQ(0, program_ask(&self->p, "fill 1"));
}

/* Regression: it was refused, though prctl() does the same; systemd's @system-service is such a filter. */
TEST_F(shell, filter_that_forbids_seccomp)
{
	struct session s;

	EXPECT_EQ(0, program_ask(&self->p, "filter %d %ld", SYS_seccomp,
				 (long)SECCOMP_RET_ERRNO | EPERM));
	ASSERT_ATTACHED(&s, self->p.pid);
	EXPECT_REMOVED(&s);
	EXPECT_EQ(0, program_ask(&self->p, "fill 1"));
}

/* Regression [F17]: a stop made the agent's filter kill it by restart_syscall. */
TEST_F(shell, agent_survives_stop_and_continue)
{
	struct session s;
	pid_t agent;

	ASSERT_ATTACHED(&s, self->p.pid);
	agent = s.res.agent_pid;
	for (int i = 0; i < 3; i++) {
		kill(agent, SIGSTOP);
		EXPECT_TRUE(becomes(agent, 'T'));
		kill(agent, SIGCONT);
		EXPECT_TRUE(becomes(agent, 'S'));
	}
	kill(agent, SIGTERM);
	kill(agent, SIGUSR1);
	sleep_ms(20);
	EXPECT_EQ('S', state_of(agent));
	EXPECT_REMOVED(&s);
}

TEST_F(shell, agent_killed)
{
	struct session s;

	traces_take(&self->before, self->p.pid);
	ASSERT_ATTACHED(&s, self->p.pid);
	kill(s.res.agent_pid, SIGKILL);
	EXPECT_REMOVED(&s);
	EXPECT_TRUE(unchanged(&self->before, self->p.pid));
}

TEST_F(shell, program_died)
{
	struct session s;

	ASSERT_ATTACHED(&s, self->p.pid);
	program_end(&self->p);
	EXPECT_EQ(0, kill(s.res.agent_pid, 0));
	EXPECT_REMOVED(&s);
	self->p = program_start("inject_shell", NULL, NULL);
}

/* A child has none of it, and may get an agent of its own. */
TEST_F(shell, fork_with_agent)
{
	struct session s, child;
	pid_t pid;

	ASSERT_ATTACHED(&s, self->p.pid);
	pid = (pid_t)program_ask(&self->p, "fork");
	ASSERT_GT(pid, 0);
	EXPECT_EQ(0, count_lines("/proc/%d/maps", pid, "memfd"));
	EXPECT_EQ(0, count_lines("/proc/%d/smaps", pid, " dc "));
	ASSERT_ATTACHED(&child, pid);
	EXPECT_EQ(0, program_ask(&self->p, "child fill 2"));
	EXPECT_REMOVED(&child);
	EXPECT_REMOVED(&s);
	EXPECT_EQ(0, program_ask(&self->p, "end_child"));
}

TEST_F(shell, filter_that_allows)
{
	struct session s;

	/* Three filters; a filter of the agent's own comes on top. */
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, program_ask(&self->p, "filter %d %ld", SYS_getppid,
					 (long)SECCOMP_RET_KILL_PROCESS));
	}
	traces_take(&self->before, self->p.pid);
	ASSERT_ATTACHED(&s, self->p.pid);
	EXPECT_REMOVED(&s);
	EXPECT_TRUE(unchanged(&self->before, self->p.pid));
	EXPECT_EQ(0, program_ask(&self->p, "fill 1"));
}

TEST_F(shell, locked_future_memory)
{
	struct session s;

	ASSERT_EQ(0, program_ask(&self->p, "lock %d", MCL_FUTURE));
	traces_take(&self->before, self->p.pid);
	ASSERT_ATTACHED(&s, self->p.pid);
	EXPECT_EQ(0, count_lines("/proc/%d/smaps", self->p.pid, " lo "));
	EXPECT_REMOVED(&s);
	EXPECT_TRUE(unchanged(&self->before, self->p.pid));
}

TEST_F(shell, group_stopped)
{
	struct session s;
	int status;

	kill(self->p.pid, SIGSTOP);
	ASSERT_EQ(self->p.pid, waitpid(self->p.pid, &status, WUNTRACED));
	traces_take(&self->before, self->p.pid);
	ASSERT_ATTACHED(&s, self->p.pid);
	EXPECT_TRUE(becomes(self->p.pid, 'T'));
	EXPECT_REMOVED(&s);
	EXPECT_TRUE(unchanged(&self->before, self->p.pid));
	/* Its parent sees no second stop, and no continuation. */
	EXPECT_EQ(0, waitpid(self->p.pid, &status, WUNTRACED | WCONTINUED | WNOHANG));
	kill(self->p.pid, SIGCONT);
	EXPECT_EQ(0, program_ask(&self->p, "fill 1"));
}

/* [F18] */
TEST_F(shell, leader_gone)
{
	struct program p = program_start("inject_shell", "leaderless", NULL);
	struct session s;

	ASSERT_EQ(0, program_ask(&p, "fill 1"));
	ASSERT_TRUE(becomes(p.pid, 'Z'));
	ASSERT_ATTACHED(&s, p.pid);
	EXPECT_EQ(0, program_ask(&p, "fill 1"));
	EXPECT_REMOVED(&s);
	ASSERT_ATTACHED(&s, p.pid);
	kill(s.res.agent_pid, SIGKILL);
	EXPECT_REMOVED(&s);
	EXPECT_EQ(0, program_ask(&p, "fill 1"));
	program_end(&p);
}

TEST_F(shell, unprivileged)
{
	struct program p = program_start_as(65534, "inject_shell", NULL, NULL);
	struct session s;

	if (access("/dev/userfaultfd", F_OK)) {
		SKIP(return, "no /dev/userfaultfd");
	}
	ASSERT_EQ(0, program_ask(&p, "fill 1"));
	traces_take(&self->before, p.pid);
	ASSERT_EQ(0, session_attach(&s, p.pid, true, 0)) TH_LOG("%s", s.res.cause);
	EXPECT_EQ(4, count_fds(s.res.agent_pid));
	EXPECT_REMOVED(&s);
	EXPECT_TRUE(unchanged(&self->before, p.pid));
	program_end(&p);
}

TEST_HARNESS_MAIN
