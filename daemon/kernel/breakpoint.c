// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/breakpoint.h"

#include <linux/hw_breakpoint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/disable.h"

struct perf_event_attr breakpoint_at(uint64_t pc)
{
	return (struct perf_event_attr){
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(struct perf_event_attr),
		.bp_type = HW_BREAKPOINT_X,
		.bp_addr = pc,
		.bp_len = sizeof(long),
		.sample_period = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
}

static __attribute__((noinline)) void spot(void)
{
	__asm__ volatile("");
}

bool breakpoint_fires(void)
{
	struct perf_event_attr attr = breakpoint_at((uint64_t)(uintptr_t)spot);
	uint64_t count = 0;
	bool fires;
	int fd;

	if (disabled("breakpoint"))
		return false;
	fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return false;
	spot();
	fires = read(fd, &count, sizeof(count)) == sizeof(count) && count;
	close(fd);
	return fires;
}
