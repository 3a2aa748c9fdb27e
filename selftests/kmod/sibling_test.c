// SPDX-License-Identifier: GPL-2.0-only
/* Two processes in one memory, of which one ends; and a process whose first thread has ended. */
#include "cow.h"
#include "module.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define NR_PAGES 500

/* One shared mapping: what is asked of whom, and how far they are. */
struct board {
	atomic_int sibling, child, ended, write, written;
};

FIXTURE(sibling)
{
	struct board *board;
	pid_t pid;
};

static struct board *board;
static char *area;

static void wait_for(atomic_int *word)
{
	while (!atomic_load(word))
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
}

static int sibling(void *arg)
{
	(void)arg;
	prctl(PR_SET_PDEATHSIG, 0);
	wait_for(&board->write);
	for (size_t i = 0; i < NR_PAGES; i++)
		area[i * PAGE_SIZE] = 2;
	atomic_store(&board->written, 1);
	for (;;)
		pause();
	return 0;
}

/* Starts a process in its own memory and one that shares all pages, then ends when told to. */
static void __attribute__((noreturn)) first(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid;

	atomic_store(&board->sibling,
		     clone(sibling, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL));
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	atomic_store(&board->child, pid);
	wait_for(&board->ended);
	_exit(0);
}

FIXTURE_SETUP(sibling)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	area = mmap(NULL, NR_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	ASSERT_TRUE(board != MAP_FAILED && area != MAP_FAILED);
	madvise(area, NR_PAGES * PAGE_SIZE, MADV_NOHUGEPAGE);
	self->board = board;
	self->pid = fork();
	if (!self->pid) {
		memset(area, 1, NR_PAGES * PAGE_SIZE);
		wait_for(&board->write);
		atomic_store(&board->write, 0);
		first();
	}
}

FIXTURE_TEARDOWN(sibling)
{
	kill(self->pid, SIGKILL);
	if (board->sibling > 0)
		kill(board->sibling, SIGKILL);
	if (board->child > 0)
		kill(board->child, SIGKILL);
	waitpid(self->pid, NULL, 0);
}

/* As many copies as pages, whoever of the two was there first. */
TEST_F_TIMEOUT(sibling, goes_on_counting, LIMIT_S)
{
	struct cow before;

	ASSERT_EQ(0, module_track(self->pid));
	atomic_store(&board->write, 1);
	wait_for(&board->child);
	ASSERT_LT(0, board->sibling);
	ASSERT_TRUE(module_drain());
	atomic_store(&board->ended, 1);
	ASSERT_EQ(self->pid, waitpid(self->pid, NULL, 0));
	before = cow_read(board->sibling);
	ASSERT_NE(REPORT_NONE, before.copies);
	atomic_store(&board->write, 1);
	wait_for(&board->written);
	EXPECT_LE(NR_PAGES, cow_since(cow_read(board->sibling), before).copies);
	EXPECT_GE(NR_PAGES + 8, cow_since(cow_read(board->sibling), before).copies);
}

static void *stay(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* Documented: such a process cannot be looked at, neither here nor in /proc/PID/maps. */
TEST(first_thread_has_ended)
{
	char path[64], byte;
	pthread_t thread;
	pid_t pid;
	int fd;

	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		pthread_create(&thread, NULL, stay, NULL);
		syscall(SYS_exit, 0);
	}
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	ASSERT_TRUE(wait_until((fd = open(path, O_RDONLY)) >= 0 && read(fd, &byte, 1) <= 0));
	EXPECT_EQ(-ESRCH, module_track(pid));
	EXPECT_EQ(-ESRCH, report_query(pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_HARNESS_MAIN
