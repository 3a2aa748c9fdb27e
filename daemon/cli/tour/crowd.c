// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/crowd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/types.h"
#include "cli/tour/actor.h"
#include "cli/tour/image.h"

#define RUNS_MAX 64
#define END_MS	 60000

__attribute__((noreturn)) static void run(int fd, enum image_way way, int told)
{
	struct timespec wait = { .tv_nsec = CROWD_WAIT_MS * (long)NS_PER_MS };
	struct image_run image;
	signed char err = image_run(fd, way, &image) ? 1 : 0;

	nanosleep(&wait, NULL);
	_exit(write(told, &err, 1) != 1);
}

static int start(int fd, enum image_way way, const int told[2], pid_t *pid)
{
	pid_t parent = getpid();

	*pid = fork();
	if (!*pid) {
		close(told[0]);
		actor_end_with(parent);
		run(fd, way, told[1]);
	}
	return *pid < 0 ? -errno : 0;
}

static double timeval_ns(const struct timeval *t)
{
	return (double)t->tv_sec * (double)NS_PER_S + (double)t->tv_usec * (double)NS_PER_US;
}

static int nr_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

/* Until one of them has ended. */
static int wait_one(int told)
{
	struct pollfd ready = { .fd = told, .events = POLLIN };
	signed char err;

	if (poll(&ready, 1, END_MS) <= 0)
		return -ETIMEDOUT;
	if (read(told, &err, 1) != 1)
		return -EPIPE;
	return err ? -ENOMEM : 0;
}

/* The processor time that all of them had. */
static double end_all(const pid_t *pid, uint32_t nr)
{
	struct rusage usage;
	double ns = 0;

	for (uint32_t i = 0; i < nr; i++) {
		if (pid[i] <= 0)
			continue;
		kill(pid[i], SIGKILL);
		usage = (struct rusage){ 0 };
		while (wait4(pid[i], NULL, 0, &usage) < 0 && errno == EINTR)
			;
		ns += timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime);
	}
	return ns;
}

int crowd_run(int fd, enum image_way way, uint32_t nr, uint32_t at_once, struct crowd *crowd)
{
	uint64_t begin_ns = clock_ns(), sum_ns = 0;
	uint32_t started = 0, ended = 0;
	pid_t pid[RUNS_MAX];
	double all_ns;
	int told[2], err = 0;

	if (!nr || nr > RUNS_MAX)
		return -EINVAL;
	if (pipe2(told, O_CLOEXEC))
		return -errno;
	while (!err && ended < nr) {
		if (started < nr && started - ended < max_t(uint32_t, at_once, 1)) {
			err = start(fd, way, told, &pid[started++]);
			continue;
		}
		err = wait_one(told[0]);
		sum_ns += clock_ns() - begin_ns;
		ended++;
	}
	all_ns = (double)(clock_ns() - begin_ns);
	crowd->per_s = nr * (double)NS_PER_S / all_ns;
	crowd->response_ns = sum_ns / nr;
	crowd->cpu_percent = 100 * end_all(pid, started) / all_ns / nr_processors();
	close(told[0]);
	close(told[1]);
	return err;
}
