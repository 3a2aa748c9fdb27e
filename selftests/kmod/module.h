/* SPDX-License-Identifier: GPL-2.0-only */
/* What all tests of the module share: that it is there, its files, and waiting. */
#ifndef UPAGER_KMOD_MODULE_H
#define UPAGER_KMOD_MODULE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <kselftest_harness.h>

#define PROC_DIR  "/proc/upager"
#define PAGE_SIZE 4096UL

/* A limit for what hangs; a kernel full of checks is emulated at a hundredth of a machine's speed. */
#define LIMIT_S	     900
#define WAIT_STEP_US 500

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* Repeats an expression until it is true; false where it never gets so. */
#define wait_until(expression)                                                         \
	({                                                                             \
		uint64_t _end_ns = now_ns() + LIMIT_S / 3 * 1000000000ULL;             \
		bool _reached;                                                         \
		while (!(_reached = (expression)) && now_ns() < _end_ns)               \
			nanosleep(&(struct timespec){ 0, WAIT_STEP_US * 1000 }, NULL); \
		_reached;                                                              \
	})

/* One write(2) to a file of the module: 0 or -errno. */
static inline int module_write(const char *name, const char *text)
{
	char path[64];
	ssize_t done;
	int fd, err = 0;

	snprintf(path, sizeof(path), PROC_DIR "/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	done = write(fd, text, strlen(text));
	if (done < 0)
		err = -errno;
	else if ((size_t)done != strlen(text))
		err = -EIO;
	close(fd);
	return err;
}

static inline int module_track(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", pid);
	return module_write("track", text);
}

static inline int module_untrack(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "-%d\n", pid);
	return module_write("track", text);
}

/*
 * New pages wait for their list in a batch of a processor, which holds a reference: a write that
 * finds it copies, and the page counts as held.  To move a page to where it is empties the batches
 * of all processors; compaction does, too, but fills them again.
 */
static inline bool module_drain(void)
{
	static char page = 1;
	void *pages[] = { &page };
	int node = 0, status;

	page++;
	return syscall(SYS_move_pages, 0, 1UL, pages, &node, &status, 2 /* MPOL_MF_MOVE */) >= 0;
}

/* Before main(): a program whose object is missing skips as a whole, with the status for that. */
__attribute__((constructor)) static void module_need(void)
{
	if (geteuid())
		ksft_exit_skip("needs root\n");
	if (access(PROC_DIR "/query", F_OK))
		ksft_exit_skip("upager.ko is not loaded\n");
}

#endif
