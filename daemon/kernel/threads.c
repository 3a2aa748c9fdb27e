// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[];
};

/* The shortest entry, of a name of up to four digits. */
#define ENTRY_BYTES 24

int threads_read(int task_dir_fd, bool again, pid_t tid[THREADS_PART])
{
	_Alignas(struct linux_dirent64) char buf[THREADS_PART * ENTRY_BYTES];
	int nr = 0;

	if (again && lseek(task_dir_fd, 0, SEEK_SET) < 0)
		return -errno;
	/* "." and "..", which come first, do not fill a part. */
	while (!nr) {
		long n = syscall(SYS_getdents64, task_dir_fd, buf, sizeof(buf));

		if (n <= 0)
			return n ? -errno : 0;
		for (long off = 0; off < n;) {
			const struct linux_dirent64 *d = (const void *)(buf + off);

			off += d->d_reclen;
			if (d->d_name[0] != '.')
				tid[nr++] = (pid_t)strtol(d->d_name, NULL, 10);
		}
	}
	return nr;
}

bool threads_runnable(int task_dir_fd, pid_t tid)
{
	char text[96]; /* more than name, which is 64 at most, mask and state */
	const char *state;
	ssize_t n;
	int fd;

	/* Not of its stat, which a program that executes something may hold for ever. */
	snprintf(text, sizeof(text), "%d/status", tid);
	fd = openat(task_dir_fd, text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* There is no newline in the name as it is written there. */
	state = strstr(text, "\nState:\t");
	return state && state[strlen("\nState:\t")] == 'R';
}

uint64_t threads_robust_head(pid_t tid)
{
	struct robust_list_head *head = NULL;
	size_t len;

	return syscall(SYS_get_robust_list, tid, &head, &len) ? 0 : (uint64_t)(uintptr_t)head;
}
