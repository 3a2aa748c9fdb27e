// SPDX-License-Identifier: GPL-2.0-only
#include "life/zap_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/types.h"

/* How long zapping may take at the very most; some 0.2 us a page are usual. */
#define ZAP_NS	     (200 * NS_PER_MS)
#define ZAP_PAGE_NS  (10 * NS_PER_US)
/* Between two looks a thread cannot have run for longer than that, whatever clocks say. */
#define LOOK_MAX_NS  (100 * NS_PER_MS)
#define PAUSE_MIN_NS (5 * NS_PER_MS)
#define PAUSE_MAX_NS (50 * NS_PER_MS)

static bool read_thread(int task_fd, pid_t tid, const char *file, char *text, size_t size)
{
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%d/%s", tid, file);
	fd = openat(task_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	if (n > 0)
		text[n] = '\0';
	return n > 0;
}

/* "running", or "nr args..." of the call that the thread sleeps in. */
static bool is_outside(int task_fd, pid_t tid)
{
	char text[128];
	long nr;

	if (!read_thread(task_fd, tid, "syscall", text, sizeof(text)))
		return true; /* it has ended */
	if (!strncmp(text, "running", 7))
		return false;
	nr = strtol(text, NULL, 10);
	return nr != SYS_madvise && nr != SYS_process_madvise;
}

/* For how long it has run; only their sum is exact. */
static uint64_t run_ticks(int task_fd, pid_t tid)
{
	unsigned long long user, system;
	char text[512], *fields;

	if (!read_thread(task_fd, tid, "stat", text, sizeof(text)))
		return 0;
	fields = strrchr(text, ')');
	if (!fields || sscanf(fields + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			      &user, &system) != 2)
		return 0;
	return user + system;
}

static uint64_t ticks_of(uint64_t ns)
{
	return 1 + ns / (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* Threads that are born later were in nothing.  False: too many to watch. */
static bool begin(struct zap_watch *w, DIR *dir, uint64_t rss_pages, uint64_t now_ns)
{
	int task_fd = dirfd(dir);
	struct dirent *d;

	w->begin_ns = now_ns;
	w->pause_ns = PAUSE_MIN_NS;
	w->enough_ticks = ticks_of(ZAP_NS + rss_pages * ZAP_PAGE_NS);
	w->nr = 0;
	while ((d = readdir(dir))) {
		pid_t tid = (pid_t)strtol(d->d_name, NULL, 10);

		if (!tid || is_outside(task_fd, tid))
			continue;
		if (w->nr == ZAP_SUSPECTS)
			return false;
		w->at[w->nr++] = (struct zap_suspect){ tid, run_ticks(task_fd, tid), 0 };
	}
	return true;
}

static bool has_left(const struct zap_watch *w, struct zap_suspect *s, int task_fd)
{
	uint64_t ticks;

	if (is_outside(task_fd, s->tid))
		return true;
	ticks = run_ticks(task_fd, s->tid);
	if (ticks > s->seen_ticks)
		s->run_ticks += min_t(uint64_t, ticks - s->seen_ticks, ticks_of(LOOK_MAX_NS));
	s->seen_ticks = ticks;
	return s->run_ticks > w->enough_ticks;
}

static void look(struct zap_watch *w, int task_fd)
{
	for (uint32_t i = 0; i < w->nr;) {
		if (has_left(w, &w->at[i], task_fd))
			w->at[i] = w->at[--w->nr];
		else
			i++;
	}
}

uint64_t zap_watch_look(struct zap_watch *w, int proc_dir_fd, uint64_t rss_pages, uint64_t now_ns)
{
	uint64_t begin_ns;
	bool watched = true;
	int task_fd;
	DIR *dir;

	if (now_ns < w->next_ns)
		return 0;
	task_fd = openat(proc_dir_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = task_fd < 0 ? NULL : fdopendir(task_fd);
	if (!dir) {
		if (task_fd >= 0)
			close(task_fd);
		return 0;
	}
	if (w->begin_ns)
		look(w, task_fd);
	else
		watched = begin(w, dir, rss_pages, now_ns);
	closedir(dir);
	w->next_ns = now_ns + w->pause_ns;
	w->pause_ns = min_t(uint64_t, 2 * w->pause_ns, PAUSE_MAX_NS);
	if (watched && w->nr)
		return 0;
	begin_ns = watched ? w->begin_ns : 0;
	w->begin_ns = 0;
	return begin_ns;
}
