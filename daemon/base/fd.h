/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FD_H
#define UPAGER_FD_H

#include <poll.h>
#include <stdbool.h>

/* Whether there is something to read now; of a pidfd: whether the process has ended. */
static inline bool fd_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&pfd, 1, 0) == 1;
}

#endif
