/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FD_H
#define UPAGER_FD_H

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

/* Whether there is something to read now; of a pidfd: whether the process has ended. */
static inline bool fd_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&pfd, 1, 0) == 1;
}

/*
 * Input, output and errors are open, if on nothing: else what is opened next, a
 * swap area, would get the errors.
 */
static inline void fd_fill_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

#endif
