// SPDX-License-Identifier: GPL-2.0-only
#include "agent/grip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/agent_abi.h"
#include "base/types.h"

int grip_make(uint32_t *nr_pages)
{
	char path[32];
	int ends[2];
	int fd, bytes;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	/* Fewer, where a user has too many pipes already: batches are smaller then. */
	fcntl(ends[0], F_SETPIPE_SZ, (int)(AGENT_BATCH_PAGES * PAGE_SIZE));
	bytes = fcntl(ends[0], F_GETPIPE_SZ);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	fd = bytes < 0 ? -1 : open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		fd = -errno;
	close(ends[0]);
	close(ends[1]);
	*nr_pages = (uint32_t)bytes / PAGE_SIZE;
	return fd;
}
