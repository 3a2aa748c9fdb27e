// SPDX-License-Identifier: GPL-2.0-only
#include "recover/keeper_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recover/statefile.h"

#define NAME "keeper.pid"

/* When it was born, in ticks since boot: with that a number is one process's for ever. */
static int born(pid_t pid, unsigned long long *ticks)
{
	char path[32], text[1024], *fields;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	fields = strrchr(text, ')');
	if (!fields || sscanf(fields + 1,
			      " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			      "%*d %*d %*d %llu",
			      ticks) != 1)
		return -EINVAL;
	return 0;
}

int keeper_name(int dir_fd, pid_t pid)
{
	unsigned long long ticks;
	char text[64];
	int err = born(pid, &ticks);

	if (err)
		return err;
	snprintf(text, sizeof(text), "%d %llu\n", pid, ticks);
	return statefile_write_text(dir_fd, NAME, text);
}

static int read_name(int dir_fd, int *pid, unsigned long long *ticks)
{
	char text[64];
	int err = statefile_read_text(dir_fd, NAME, text, sizeof(text));

	return err ? err : sscanf(text, "%d %llu", pid, ticks) == 2 ? 0 : -EBADMSG;
}

bool keeper_named_is(int dir_fd, pid_t pid)
{
	unsigned long long ticks;
	int named;

	return !read_name(dir_fd, &named, &ticks) && named == pid;
}

int keeper_named_open(int dir_fd)
{
	unsigned long long ticks, now;
	int pid, pidfd;

	if (read_name(dir_fd, &pid, &ticks))
		return -ESRCH;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -ESRCH;
	if (!born(pid, &now) && now == ticks)
		return pidfd;
	close(pidfd);
	return -ESRCH;
}
