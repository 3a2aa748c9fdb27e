// SPDX-License-Identifier: GPL-2.0-only
/* Files that are read, or held open, while their process ends, executes, or is let go. */
#include "actor.h"
#include "report.h"

#define NR_FILES	 5
#define NR_READS	 10000
/* A kernel that checks its every access takes a hundred times as long. */
#define NR_READS_CHECKED 1000

static const char *const names[NR_FILES] = { "summary", "holes", "libs", "cow", "paging" };

FIXTURE(life)
{
	pid_t pid;
	int fd[NR_FILES];
	int query;
};

FIXTURE_SETUP(life)
{
	char path[64], text[16];
	int len;

	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
	ASSERT_LT(0, self->pid);
	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	for (int i = 0; i < NR_FILES; i++) {
		snprintf(path, sizeof(path), PROC_DIR "/%d/%s", self->pid, names[i]);
		self->fd[i] = open(path, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, self->fd[i]);
		ASSERT_EQ(0, report_take(self->fd[i]));
	}
	self->query = open(PROC_DIR "/query", O_RDWR | O_CLOEXEC);
	len = snprintf(text, sizeof(text), "%d\n", self->pid);
	ASSERT_EQ(len, write(self->query, text, (size_t)len));
	ASSERT_EQ(0, report_take(self->query));
}

FIXTURE_TEARDOWN(life)
{
	for (int i = 0; i < NR_FILES; i++)
		close(self->fd[i]);
	close(self->query);
	actor_leave();
}

/* What reading from the beginning says: 0 for a report, or -errno. */
static int again(int fd)
{
	ssize_t n = pread(fd, report.text, REPORT_SIZE - 1, 0);

	report.text[n > 0 ? n : 0] = '\0';
	return n < 0 ? -errno : n ? 0 : -ENODATA;
}

static bool is_gone(int err)
{
	return err == -ESRCH || err == -EIO || err == -ENOENT;
}

TEST_F_TIMEOUT(life, held_over_exit, LIMIT_S)
{
	actor_leave();
	for (int i = 0; i < NR_FILES; i++)
		EXPECT_TRUE(wait_until(is_gone(again(self->fd[i]))));
	EXPECT_EQ(-ESRCH, again(self->query));
	EXPECT_EQ(-ENOENT, report_read("/proc/upager/0/cow"));
}

TEST_F_TIMEOUT(life, held_over_untrack, LIMIT_S)
{
	ASSERT_EQ(0, module_untrack(self->pid));
	for (int i = 0; i < NR_FILES; i++)
		EXPECT_TRUE(wait_until(is_gone(again(self->fd[i]))));
	/* A question needs no tracking. */
	ASSERT_EQ(0, again(self->query));
	EXPECT_TRUE(report_is("tracked", "0"));
	/* Tracked again it has new files, and the old ones stay without. */
	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	EXPECT_TRUE(is_gone(again(self->fd[0])));
}

/* The address space that was opened is gone; the process is not, and can be opened anew. */
TEST_F_TIMEOUT(life, held_over_exec, LIMIT_S)
{
	ASSERT_TRUE(actor_do(0, ACT_EXEC, 0, 0));
	for (int i = 0; i < NR_FILES; i++)
		EXPECT_TRUE(wait_until(is_gone(again(self->fd[i]))));
	EXPECT_EQ(-ESRCH, again(self->query));
	for (int i = 0; i < NR_FILES; i++)
		EXPECT_EQ(0, report_read_tracked(self->pid, names[i]));
	EXPECT_EQ(0, report_query(self->pid));
}

/* The k-th of all reads that there are of a process. */
static int read_any(pid_t pid, unsigned int k)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), PROC_DIR "/%d/%s", pid, names[k / 2 % NR_FILES]);
	err = k & 1 ? report_query(pid) : report_read(path);
	return !err && (report.len < 11 || report.text[report.len - 1] != '\n') ? -EBADMSG : err;
}

/* How long reading all of a process takes here, in ns. */
static uint64_t read_time(pid_t pid)
{
	uint64_t begin = now_ns();

	for (unsigned int k = 0; k < 2 * NR_FILES; k++)
		read_any(pid, k);
	return now_ns() - begin;
}

/* A child that ends @ns after the byte that the returned descriptor is for. */
static pid_t start_mayfly(uint64_t ns, int *fd)
{
	int pipe_fd[2];
	pid_t pid;
	char byte;

	if (pipe2(pipe_fd, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		uint64_t end;

		close(pipe_fd[1]);
		if (read(pipe_fd[0], &byte, 1) != 1)
			_exit(1);
		for (end = now_ns() + ns; now_ns() < end;)
			;
		_exit(0);
	}
	close(pipe_fd[0]);
	*fd = pipe_fd[1];
	return pid;
}

/*
 * Processes that end after any time, while all that there is of them is read. They are of the
 * reader's own making, so the number never means another one.
 */
TEST_F_TIMEOUT(life, read_while_it_ends, LIMIT_S)
{
	const unsigned int nr_reads =
		access("/sys/kernel/debug/kmemleak", F_OK) ? NR_READS : NR_READS_CHECKED;
	unsigned int nr_whole = 0, nr_gone = 0, nr_other = 0;
	uint64_t all_ns = read_time(self->pid);
	int last = 0;

	for (unsigned int i = 0; i < nr_reads; i += 2 * NR_FILES) {
		int fd = -1;
		/* From before the first read until after the last, in an order that visits all. */
		pid_t pid = start_mayfly(all_ns * (i * 7 % 1000) / 800, &fd);

		ASSERT_LT(0, pid);
		module_track(pid);
		ASSERT_EQ(1, write(fd, "", 1));
		for (unsigned int k = 0; k < 2 * NR_FILES; k++) {
			int err = read_any(pid, k);

			nr_whole += !err;
			nr_gone += is_gone(err);
			if (err && !is_gone(err)) {
				nr_other++;
				last = err;
			}
		}
		close(fd);
		waitpid(pid, NULL, 0);
	}
	TH_LOG("%u whole, %u gone", nr_whole, nr_gone);
	EXPECT_EQ(0, nr_other)
	{
		TH_LOG("%d", last);
	}
	/* Both happen, or nothing was tried. */
	EXPECT_LT(nr_reads / 100, nr_whole);
	EXPECT_LT(nr_reads / 100, nr_gone);
}

TEST_HARNESS_MAIN
