// SPDX-License-Identifier: GPL-2.0-only
/* The daemon may die at any instant: programs wait, and read nothing wrong. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <dirent.h>
#include <kselftest_harness.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>

#define NR 1024 /* pages */

static pid_t keeper_of(const struct pager *pg)
{
	char path[300], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/keeper.pid", pg->state);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return (pid_t)atol(text);
}

static bool is_gone(pid_t pid)
{
	char path[64], text[256] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return true;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return !text[0] || strstr(text, ") Z");
}

/* Writes, reads, drops, moves and forks until it is killed. */
static int live(struct target_share *sh)
{
	uint8_t *p = memory_map(3 * NR);

	target_check(sh, !setpgid(0, 0)); /* its children end with it */
	for (uint64_t i = 1;; i++) {
		uint8_t *q = memory_map(64);
		int status;
		pid_t child;

		memory_fill(p, 0, 3 * NR, i);
		target_check(sh, memory_is(p, 0, 3 * NR, i));
		memory_fill(q, 0, 64, i);
		target_check(sh, !madvise(q, 32 * PAGE_SIZE, MADV_DONTNEED));
		target_check(sh, memory_is_zero(q, 0, 32));
		child = fork();
		if (!child)
			_exit(memory_is(q, 32, 64, i) && memory_is(p, 0, 64, i) ? 0 : 3);
		target_check(sh, waitpid(child, &status, 0) == child);
		target_check(sh, status == 0);
		target_check(sh, memory_is(q, 32, 64, i));
		munmap(q, 64 * PAGE_SIZE);
		atomic_store(&sh->value[0], i);
	}
}

FIXTURE(keeper){};

FIXTURE_VARIANT(keeper)
{
	const char *failpoints;
};

#define KILLED_AT(name, nth)                      \
	FIXTURE_VARIANT_ADD(keeper, name##_##nth) \
	{                                         \
		.failpoints = #name "=kill@" #nth \
	}

KILLED_AT(fault_read, 20);
KILLED_AT(fault_read, 400);
KILLED_AT(fault_submit, 30);
KILLED_AT(fault_read_done, 40);
KILLED_AT(fault_filled, 50);
KILLED_AT(evict_recorded, 1);
KILLED_AT(evict_recorded, 60);
KILLED_AT(evict_posted, 60);
KILLED_AT(evict_settled, 60);
KILLED_AT(evict_submit, 30);
KILLED_AT(evict_written, 30);
KILLED_AT(fork_read, 1);
KILLED_AT(fork_shared, 2);
KILLED_AT(attach_registered, 1);

FIXTURE_SETUP(keeper)
{
}

FIXTURE_TEARDOWN(keeper)
{
}

TEST_F_TIMEOUT(keeper, daemon_is_killed, 60)
{
	struct pager_options opt = { .failpoints = variant->failpoints };
	struct pager pager;
	struct target t;
	uint64_t i;
	int status;
	pid_t keeper;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	keeper = keeper_of(&pager);
	ASSERT_LT(0, keeper);
	t = target_start(&pager, live, TARGET_BUDGET);
	ASSERT_TRUE(wait_until(30, pager_ended(&pager, &status)));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* It comes to wait, or never faulted; in no case has it read anything wrong. */
	i = atomic_load(&t.share->value[0]);
	wait_until(1, atomic_load(&t.share->value[0]) > i + 1);
	EXPECT_FALSE(target_exited(&t, &status));
	EXPECT_EQ(0, t.share->why[0]) TH_LOG("%s", t.share->why);
	EXPECT_FALSE(is_gone(keeper));
	kill(-t.pid, SIGKILL);
	EXPECT_EQ(TARGET_SIGNAL + SIGKILL, target_kill(&t));
	EXPECT_TRUE(wait_until(15, is_gone(keeper)));
	pager_fini(&pager);
}

/* The system calls alone: what the library keeps may be outside as well. */
static int wait_then_fork(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	long child;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_out(p, NR));
	atomic_store(&sh->at, 2);
	while (atomic_load(&sh->go) < 2)
		; /* not by sleeping in the library: the thread's own data may be outside */
	child = syscall(SYS_fork);
	if (!child)
		syscall(SYS_exit_group, 0);
	atomic_store(&sh->value[0], 1);
	return memory_page_is(p, 1, 0) ? 0 : 3;
}

/* F4, F15: an unread fork event would block this fork, and others' with uprobes. */
TEST(forks_return_while_no_daemon_lives)
{
	struct pager_options opt = { 0 };
	struct pager pager;
	struct target t;
	pid_t child;
	int status = -1;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	t = target_start(&pager, wait_then_fork, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&t, 2));
	pager_kill(&pager);
	target_let(&t, 2);
	EXPECT_TRUE(wait_until(10, atomic_load(&t.share->value[0])));
	child = fork();
	if (!child)
		_exit(7);
	waitpid(child, &status, 0);
	EXPECT_EQ(7, WEXITSTATUS(status));
	/* The page that is outside is waited for. */
	EXPECT_FALSE(wait_until(1, target_exited(&t, &status)));
	target_kill(&t);
	pager_fini(&pager);
}

static int sit(struct target_share *sh)
{
	memory_press();
	target_meet(sh, 2);
	return 0;
}

/* How many others run in the memory of a process. */
static int nr_sharing(pid_t pid)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	int nr = 0;

	while (dir && (d = readdir(dir))) {
		pid_t other = (pid_t)atol(d->d_name);

		nr += other > 0 && other != pid && !is_gone(other) &&
		      !syscall(SYS_kcmp, pid, other, KCMP_VM, 0, 0);
	}
	if (dir)
		closedir(dir);
	return nr;
}

static int work_then_wait(struct target_share *sh)
{
	memory_press();
	memory_press();
	target_meet(sh, 2);
	return 0;
}

/* Nobody would end an agent of which nothing is written down: it has to end with the daemon. */
TEST(agent_that_nobody_knows_of)
{
	struct pager_options opt = { .failpoints = "attach_injected=kill@1" };
	struct pager pager;
	struct target t;
	int status;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	t = target_fork(work_then_wait);
	ASSERT_TRUE(target_reached(&t, 1));
	upager_attach(pager.client, t.pid, TARGET_BUDGET, 0, NULL); /* it may not live to answer */
	target_let(&t, 1);
	ASSERT_TRUE(wait_until(30, pager_ended(&pager, &status)));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_TRUE(wait_until(10, nr_sharing(t.pid) == 0));
	/* The program has noticed nothing. */
	EXPECT_TRUE(target_reached(&t, 2));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	pager_fini(&pager);
}

TEST(keeper_ends_with_the_last_program)
{
	struct pager_options opt = { 0 };
	struct pager pager;
	struct target t;
	pid_t keeper;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	keeper = keeper_of(&pager);
	t = target_start(&pager, sit, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&t, 2));
	pager_kill(&pager);
	sleep_us(1500000);
	EXPECT_FALSE(is_gone(keeper));
	target_kill(&t);
	EXPECT_TRUE(wait_until(15, is_gone(keeper)));
	pager_fini(&pager);
}

TEST(keeper_ends_at_once_without_programs)
{
	struct pager_options opt = { 0 };
	struct pager pager;
	pid_t keeper;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	keeper = keeper_of(&pager);
	EXPECT_FALSE(is_gone(keeper));
	pager_kill(&pager);
	EXPECT_TRUE(wait_until(15, is_gone(keeper)));
	pager_fini(&pager);
}

TEST(keeper_ends_with_its_daemon)
{
	struct pager_options opt = { 0 };
	struct pager pager;
	pid_t keeper;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	keeper = keeper_of(&pager);
	EXPECT_EQ(0, pager_stop(&pager));
	EXPECT_TRUE(is_gone(keeper));
	pager_fini(&pager);
}

/* One line, and exit status 1. */
static bool is_refused(struct pager *pg)
{
	struct pager_options opt = { 0 };
	int status = -1, lines = 0, c;
	struct pager second = *pg;
	FILE *f;

	second.client = NULL;
	snprintf(second.log, sizeof(second.log), "%s/second.%d", guard_ram, getpid());
	unlink(second.log);
	second.pid = pager_spawn(&second, &opt);
	if (!wait_until(10, pager_ended(&second, &status))) {
		pager_kill(&second);
		return false;
	}
	f = fopen(second.log, "re");
	while (f && (c = fgetc(f)) != EOF)
		lines += c == '\n';
	if (f)
		fclose(f);
	if (lines != 1 || !WIFEXITED(status) || WEXITSTATUS(status) != 1)
		pager_show_log(&second);
	return lines == 1 && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* Each lock by itself: one of area, socket and state directory is in use. */
FIXTURE(second)
{
	struct pager pager;
	struct pager other;
};

FIXTURE_SETUP(second)
{
	struct pager_options opt = { 0 };

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	pager_paths(&self->other);
	ASSERT_EQ(0, pager_make_area(self->other.area, 16 * MIB));
}

FIXTURE_TEARDOWN(second)
{
	EXPECT_EQ(0, upager_ping(self->pager.client, NULL));
	pager_fini(&self->pager);
	pager_fini(&self->other);
}

TEST_F(second, area_is_refused)
{
	strcpy(self->other.area, self->pager.area);
	EXPECT_TRUE(is_refused(&self->other));
}

TEST_F(second, socket_is_refused)
{
	strcpy(self->other.socket, self->pager.socket);
	EXPECT_TRUE(is_refused(&self->other));
}

TEST_F(second, state_is_refused)
{
	strcpy(self->other.state, self->pager.state);
	EXPECT_TRUE(is_refused(&self->other));
}

TEST_HARNESS_MAIN
