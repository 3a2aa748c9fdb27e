// SPDX-License-Identifier: GPL-2.0-only
#include "recover/keeper_name.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recover/statefile.h"

#define NAME	   "keeper.pid"
#define NAME_BYTES 128

/* A process: its number, and when it was born. */
struct name {
	int pid;
	unsigned long long ticks;
};

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
	unsigned long long ticks, daemon_ticks;
	char text[NAME_BYTES];
	int err = born(pid, &ticks);

	if (!err)
		err = born(getpid(), &daemon_ticks);
	if (err)
		return err;
	snprintf(text, sizeof(text), "%d %llu %d %llu\n", pid, ticks, getpid(), daemon_ticks);
	return statefile_write_text(dir_fd, NAME, text);
}

static int read_name(int dir_fd, struct name *keeper, struct name *of)
{
	char text[NAME_BYTES];
	int err = statefile_read_text(dir_fd, NAME, text, sizeof(text));

	if (err)
		return err;
	return sscanf(text, "%d %llu %d %llu", &keeper->pid, &keeper->ticks, &of->pid,
		      &of->ticks) == 4
		       ? 0
		       : -EBADMSG;
}

/* One that nobody has waited for yet has ended, too. */
static bool has_ended(const struct name *name)
{
	struct pollfd pfd = { .fd = (int)syscall(SYS_pidfd_open, name->pid, 0), .events = POLLIN };
	unsigned long long now;
	bool ended;

	if (pfd.fd < 0)
		return errno == ESRCH;
	ended = poll(&pfd, 1, 0) == 1 || (!born(name->pid, &now) && now != name->ticks);
	close(pfd.fd);
	return ended;
}

bool keeper_named_is_orphan(int dir_fd)
{
	struct name keeper, of;

	return !read_name(dir_fd, &keeper, &of) && has_ended(&of);
}

bool keeper_named_is(int dir_fd, pid_t pid)
{
	struct name keeper, of;

	return !read_name(dir_fd, &keeper, &of) && keeper.pid == pid;
}

int keeper_named_open(int dir_fd)
{
	struct name keeper, of;
	unsigned long long now;
	int pidfd;

	if (read_name(dir_fd, &keeper, &of))
		return -ESRCH;
	pidfd = (int)syscall(SYS_pidfd_open, keeper.pid, 0);
	if (pidfd < 0)
		return -ESRCH;
	if (!born(keeper.pid, &now) && now == keeper.ticks)
		return pidfd;
	close(pidfd);
	return -ESRCH;
}
