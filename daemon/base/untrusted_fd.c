// SPDX-License-Identifier: GPL-2.0-only
#include "base/untrusted_fd.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"

#define STACK_BYTES (64 << 10)

#define AWAIT_TRIES    50
#define AWAIT_PAUSE_NS NS_PER_MS

static _Atomic uint32_t nr_threads; /* that close something */

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

static bool close_at_once(int fd)
{
	return name_begins(fd, "anon_inode:[") && !close(fd);
}

struct slow {
	_Atomic uint32_t *going;
	uint32_t nr;
	int fd[];
};

/* Where it is a file's server that is waited for, only that can end it. */
static void *close_slowly(void *arg)
{
	struct slow *slow = arg;

	for (uint32_t i = 0; i < slow->nr; i++)
		if (slow->fd[i] >= 0)
			interrupt_close(slow->fd[i]);
	if (slow->going)
		atomic_fetch_sub(slow->going, 1);
	free(slow);
	atomic_fetch_sub(&nr_threads, 1);
	return NULL;
}

static int start(struct slow *slow)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	atomic_fetch_add(&nr_threads, 1);
	err = pthread_create(&thread, &attr, close_slowly, slow);
	if (err)
		atomic_fetch_sub(&nr_threads, 1);
	pthread_attr_destroy(&attr);
	return -err;
}

void untrusted_fds_close(const int *fd, uint32_t nr, _Atomic uint32_t *going)
{
	struct slow *slow;
	int err;

	while (nr && (fd[nr - 1] < 0 || close_at_once(fd[nr - 1])))
		nr--;
	if (!nr)
		return;
	slow = malloc(sizeof(*slow) + nr * sizeof(*fd));
	err = slow ? 0 : -ENOMEM;
	if (slow) {
		*slow = (struct slow){ .going = going, .nr = nr };
		memcpy(slow->fd, fd, nr * sizeof(*fd));
		if (going)
			atomic_fetch_add(going, 1);
		err = start(slow);
	}
	if (!err)
		return;
	log_warn("descriptors of a client stay open (%s), ignoring", strerror(-err));
	if (slow && going)
		atomic_fetch_sub(going, 1);
	free(slow);
}

void untrusted_fd_close(int fd)
{
	if (fd >= 0)
		untrusted_fds_close(&fd, 1, NULL);
}

void untrusted_fds_await(void)
{
	const struct timespec pause = { .tv_nsec = AWAIT_PAUSE_NS };

	for (int n = 0; n < AWAIT_TRIES && atomic_load(&nr_threads); n++)
		nanosleep(&pause, NULL);
}
