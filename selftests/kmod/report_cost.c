// SPDX-License-Identifier: GPL-2.0-only
/*
 * What looking at a process costs: the files of the module against the kernel's own, as ratios. No
 * test: nothing is expected of the figures, which are an emulator's where the guest is emulated.
 *
 * And what counting costs: instructions of a write to a shared page, counted by the processor where
 * there is a counter, otherwise nanoseconds; with tracking and without.
 */
#include "report.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NR_PAGES  51200UL /* 200 MB */
#define NR_ROUNDS 5
#define NR_BREAKS 4000UL

static uint64_t read_ns(const char *path)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < NR_ROUNDS; i++) {
		uint64_t start = now_ns(), took;

		if (report_read(path))
			return UINT64_MAX;
		took = now_ns() - start;
		best = took < best ? took : best;
	}
	return best;
}

static void compare(const char *name, const char *other)
{
	char path[64];
	uint64_t ours, theirs = read_ns(other);

	snprintf(path, sizeof(path), PROC_DIR "/%d/%s", getpid(), name);
	ours = read_ns(path);
	printf("%s_ns %lu\n%s_ns %lu\n%s_ratio_permille %lu\n", name, ours,
	       other + strlen("/proc/self/"), theirs, name, ours * 1000 / theirs);
}

static int counter_open(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint64_t counter_read(int fd)
{
	uint64_t value = 0;

	if (fd < 0)
		return now_ns();
	return read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

/* Of a child that writes pages which it shares with this process. */
static uint64_t break_cost(volatile char *area, bool tracked)
{
	uint64_t cost = 0;
	int fds[2], go[2];
	char byte = 0;
	pid_t pid;

	if (pipe(fds) || pipe(go))
		return 0;
	pid = fork();
	if (!pid) {
		int fd = counter_open();
		uint64_t start;

		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		start = counter_read(fd);
		for (uint64_t i = 0; i < NR_BREAKS; i++)
			area[i * PAGE_SIZE] = 2;
		cost = counter_read(fd) - start;
		_exit(write(fds[1], &cost, sizeof(cost)) != sizeof(cost));
	}
	if (tracked)
		module_track(pid);
	if (write(go[1], &byte, 1) != 1 || read(fds[0], &cost, sizeof(cost)) != sizeof(cost))
		cost = 0;
	waitpid(pid, NULL, 0);
	close(fds[0]);
	close(fds[1]);
	close(go[0]);
	close(go[1]);
	return cost;
}

int main(void)
{
	char *area = mmap(NULL, NR_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t without, with;
	int fd;

	if (area == MAP_FAILED)
		return 1;
	madvise(area, NR_PAGES * PAGE_SIZE, MADV_NOHUGEPAGE);
	memset(area, 1, NR_PAGES * PAGE_SIZE);

	without = break_cost(area, false);
	with = break_cost(area, true);
	fd = counter_open();
	printf("break_unit %s\nbreak_untracked %lu\nbreak_tracked %lu\n",
	       fd < 0 ? "ns" : "instructions", without / NR_BREAKS, with / NR_BREAKS);
	close(fd);

	if (module_track(getpid()) || report_read_tracked(getpid(), "cow"))
		return 1;
	compare("cow", "/proc/self/smaps_rollup");
	compare("libs", "/proc/self/smaps");
	compare("holes", "/proc/self/maps");
	return 0;
}
