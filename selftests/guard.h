/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_GUARD_H
#define UPAGER_SELFTESTS_GUARD_H

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * A process above the tests: init to whatever they orphan, and what cleans up
 * after them however they end.
 *
 *   guard_disk   a directory below the build directory, for swap areas
 *   guard_ram    a directory on a tmpfs, for sockets and state files
 */
static char guard_disk[512];
static char guard_ram[128];

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static inline void sleep_us(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* How many times as long all takes as on a machine that is not emulated. */
static inline uint64_t guard_time_factor(void)
{
	const char *text = getenv("UPAGER_TEST_TIME_FACTOR");
	unsigned long factor = text ? strtoul(text, NULL, 10) : 1;

	return factor ? factor : 1;
}

/* Repeats an expression until it is true; false after so many seconds: it hangs. */
#define wait_until(seconds, expression)                                                      \
	({                                                                                   \
		uint64_t _end_ns = now_ns() + (seconds)*guard_time_factor() * 1000000000ULL; \
		bool _reached;                                                               \
		while (!(_reached = (expression)) && now_ns() < _end_ns)                     \
			sleep_us(500);                                                       \
		_reached;                                                                    \
	})

/* How often something is done, and how often where time is short. */
static inline uint64_t guard_times(uint64_t usual, uint64_t quick)
{
	return getenv("UPAGER_TEST_QUICK") ? quick : usual;
}

/* Where time is short, most of what tests do a second time: the same each time. */
static inline bool guard_leaves_out(const char *name)
{
	unsigned int sum = 0;

	while (*name)
		sum += (unsigned char)*name++;
	return getenv("UPAGER_TEST_QUICK") && sum % 4;
}

/* The directory that this program's build is in: BUILD/selftests/FOLDER/x_test, BUILD/unit/test_x. */
static inline void guard_build_dir(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	while ((slash = strrchr(path, '/'))) {
		*slash = '\0';
		if (!strcmp(slash + 1, "selftests") || !strcmp(slash + 1, "unit"))
			break;
	}
}

static inline int guard_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void guard_remove_dir(const char *path)
{
	if (path[0] && nftw(path, guard_unlink, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		perror(path);
}

/* Direct children of a process, killed; how many there were. */
static inline int guard_kill_children(void)
{
	char path[64];
	int n = 0, pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1) {
		kill(pid, SIGKILL);
		n++;
	}
	if (f)
		fclose(f);
	return n;
}

static inline void guard_ignore(int sig)
{
	(void)sig;
}

/* Orphans come to us, so killing and reaping children reaches everything. */
static inline void guard_stay(pid_t tests)
{
	struct sigaction sa = { .sa_handler = guard_ignore };
	int status = 0, test_status = -1;
	pid_t pid;

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	while (test_status < 0) {
		pid = wait(&status);
		if (pid == tests)
			test_status = status;
		else if (pid < 0)
			break;
	}
	while (guard_kill_children()) {
		while (waitpid(-1, &status, WNOHANG) > 0)
			;
		sleep_us(1000);
	}
	guard_remove_dir(guard_disk);
	guard_remove_dir(guard_ram);
	exit(test_status >= 0 && WIFEXITED(test_status) ? WEXITSTATUS(test_status) : 1);
}

__attribute__((constructor)) static void guard_start(void)
{
	char build[400];
	pid_t pid;

	guard_build_dir(build, sizeof(build));
	snprintf(guard_disk, sizeof(guard_disk), "%s/guard.%d", build, getpid());
	if (access("/dev/shm", W_OK))
		snprintf(guard_ram, sizeof(guard_ram), "/tmp/upager-guard.%d", getpid());
	else
		snprintf(guard_ram, sizeof(guard_ram), "/dev/shm/upager-guard.%d", getpid());
	if (mkdir(guard_disk, 0700) || mkdir(guard_ram, 0711)) {
		perror("a directory for the tests");
		exit(1);
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid = fork();
	if (pid > 0)
		guard_stay(pid);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

#endif
