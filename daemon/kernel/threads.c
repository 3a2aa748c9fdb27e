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
	char text[64]; /* more than number, name and state */
	const char *name_end;
	ssize_t n;
	int fd;

	snprintf(text, sizeof(text), "%d/stat", tid);
	fd = openat(task_dir_fd, text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* The name may have anything in it; behind the state there are only numbers. */
	name_end = strrchr(text, ')');
	return name_end && !strncmp(name_end, ") R", 3);
}

uint64_t threads_robust_head(pid_t tid)
{
	struct robust_list_head *head = NULL;
	size_t len;

	return syscall(SYS_get_robust_list, tid, &head, &len) ? 0 : (uint64_t)(uintptr_t)head;
}
