// SPDX-License-Identifier: GPL-2.0-only
#include "base/untrusted_fd.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* What the kernel made itself needs nobody to be asked. */
static bool name_begins(int fd, const char *with)
{
	char path[64], name[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	if (n < 0)
		return false;
	name[n] = '\0';
	return !strncmp(name, with, strlen(with));
}

bool untrusted_fd_is_uffd(int fd)
{
	return name_begins(fd, "anon_inode:[userfaultfd]");
}

static void *close_slowly(void *arg)
{
	close((int)(intptr_t)arg);
	return NULL;
}

void untrusted_fd_close(int fd)
{
	pthread_t thread;
	int err;

	if (fd < 0)
		return;
	if (name_begins(fd, "anon_inode:[")) {
		close(fd);
		return;
	}
	err = pthread_create(&thread, NULL, close_slowly, (void *)(intptr_t)fd);
	if (err)
		log_warn("descriptor %d of a client stays open (%s), ignoring", fd, strerror(err));
	else
		pthread_detach(thread);
}
