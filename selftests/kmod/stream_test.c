// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports of a process with very many mappings: made while they are read, whole, and without memory
 * that an open file keeps.
 */
#include "module.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define NR_HOLES   20000UL
#define NR_READERS 16
/* What the readers may have together: a text of all the holes is about this long. */
#define KEPT_BYTES (4UL << 20)

FIXTURE(stream)
{
	pid_t pid;
	int fd[NR_READERS];
};

/* Pages with a hole behind each. */
static bool map_holes(void)
{
	char *room = mmap(NULL, 2 * NR_HOLES * PAGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room == MAP_FAILED)
		return false;
	for (unsigned long i = 0; i < NR_HOLES; i++)
		if (munmap(room + (2 * i + 1) * PAGE_SIZE, PAGE_SIZE))
			return false;
	return true;
}

FIXTURE_SETUP(stream)
{
	int ready[2];
	char byte;

	ASSERT_EQ(0, pipe(ready));
	self->pid = fork();
	if (!self->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (map_holes() && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	close(ready[0]);
	for (int i = 0; i < NR_READERS; i++)
		self->fd[i] = -1;
}

FIXTURE_TEARDOWN(stream)
{
	for (int i = 0; i < NR_READERS; i++)
		if (self->fd[i] >= 0)
			close(self->fd[i]);
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
}

static bool ask(FIXTURE_DATA(stream) * self, int reader)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", self->pid);

	self->fd[reader] = open(PROC_DIR "/query", O_RDWR | O_CLOEXEC);
	return write(self->fd[reader], text, (size_t)len) == len;
}

/* How many bytes a file has; it is read to its end. */
static size_t read_all(int fd)
{
	static char text[1 << 16];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0)
		len += (size_t)n;
	return n ? 0 : len;
}

static uint64_t available_bytes(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	uint64_t kib = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "MemAvailable: %lu", &kib) != 1)
		;
	if (f)
		fclose(f);
	return kib * 1024;
}

TEST_F_TIMEOUT(stream, open_files_keep_no_report, LIMIT_S)
{
	uint64_t before, after;

	ASSERT_TRUE(ask(self, 0));
	ASSERT_LT(KEPT_BYTES / 2, read_all(self->fd[0]));
	before = available_bytes();
	for (int i = 1; i < NR_READERS; i++) {
		ASSERT_TRUE(ask(self, i));
		ASSERT_LT(KEPT_BYTES / 2, read_all(self->fd[i]));
	}
	after = available_bytes();
	EXPECT_LT(before, after + KEPT_BYTES)
	{
		TH_LOG("%d open files keep %lu KiB", NR_READERS - 1, (before - after) / 1024);
	}
}

/* In steps of any length: each hole once, in order, up to the end of the addresses. */
TEST_F_TIMEOUT(stream, each_hole_is_there, LIMIT_S)
{
	uint64_t nr = 0, count = 0, start, end = 0, number, space = 0, bytes = 0, sum = 0;
	char line[8192];
	FILE *f;

	ASSERT_TRUE(ask(self, 0));
	f = fdopen(dup(self->fd[0]), "re");
	setvbuf(f, NULL, _IOFBF, 777);
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "holes_count %lu", &count);
		sscanf(line, "holes_bytes %lu", &sum);
		sscanf(line, "space_bytes %lu", &space);
		if (sscanf(line, "hole %lu", &number) == 1)
			EXPECT_EQ(++nr, number);
		if (sscanf(line, "hole_start 0x%lx", &start) == 1)
			ASSERT_LE(end, start);
		if (sscanf(line, "hole_end 0x%lx", &end) == 1)
			bytes += end - start;
	}
	fclose(f);
	EXPECT_LT(NR_HOLES, count);
	EXPECT_EQ(count, nr);
	EXPECT_EQ(sum, bytes);
	EXPECT_LT(end, space + 1);
}

/* From any place of it, as of any file. */
TEST_F_TIMEOUT(stream, read_from_the_middle, LIMIT_S)
{
	char first[64], again[64];
	off_t at = 1 << 20;

	ASSERT_TRUE(ask(self, 0));
	ASSERT_EQ(64, pread(self->fd[0], first, 64, at));
	ASSERT_EQ(64, pread(self->fd[0], again, 64, 0));
	EXPECT_EQ(0, memcmp(again, "version 1\n", 10));
	ASSERT_EQ(64, pread(self->fd[0], again, 64, at));
	EXPECT_EQ(0, memcmp(first, again, 64));
}

TEST_HARNESS_MAIN
