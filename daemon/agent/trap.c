// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trap.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/types.h"
#include "kernel/breakpoint.h"

#define CLOCK_NS   100000
#define RING_BYTES (2 * PAGE_SIZE) /* a page of the kernel's, one of samples */

/* What sample_fd writes. */
struct sample {
	struct perf_event_header header;
	uint64_t abi;
	uint64_t ip;
};

void trap_init(struct trap *t, pid_t tid)
{
	*t = (struct trap){
		.tid = tid, .back_fd = -1, .clock_fd = -1, .sample_fd = -1, .fd_min = INT_MAX
	};
}

static int open_event(pid_t tid, struct perf_event_attr *attr)
{
	int fd;

	attr->size = sizeof(*attr);
	attr->exclude_hv = 1;
	attr->wakeup_events = 1;
	fd = (int)syscall(SYS_perf_event_open, attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Each overflow is a signal to the thread. */
static int set_signal(int fd, pid_t tid)
{
	const struct f_owner_ex owner = { F_OWNER_TID, tid };

	if (fcntl(fd, F_SETOWN_EX, &owner) || fcntl(fd, F_SETSIG, TRAP_SIGNAL) ||
	    fcntl(fd, F_SETFL, O_ASYNC))
		return -errno;
	return ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) ? -errno : 0;
}

static int open_signal(struct trap *t, int *fd, struct perf_event_attr *attr)
{
	int err;

	attr->disabled = 1;
	*fd = open_event(t->tid, attr);
	if (*fd < 0)
		return *fd;
	t->fd_min = min_t(int, t->fd_min, *fd);
	t->fd_max = max_t(int, t->fd_max, *fd);
	err = set_signal(*fd, t->tid);
	if (err) {
		close(*fd);
		*fd = -1;
	}
	return err;
}

int trap_back(struct trap *t, uint64_t pc)
{
	static int fires = -1;
	struct perf_event_attr attr = breakpoint_at(pc);

	if (fires < 0)
		fires = breakpoint_fires();
	if (!fires)
		return -EOPNOTSUPP;
	if (t->back_fd >= 0) {
		if (t->back_pc == pc)
			return 0;
		close(t->back_fd);
	}
	t->back_pc = pc;
	return open_signal(t, &t->back_fd, &attr);
}

static int open_clock(struct trap *t)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.sample_period = CLOCK_NS,
		.exclude_kernel = 1,
	};

	return open_signal(t, &t->clock_fd, &attr);
}

static int open_sample(struct trap *t)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.sample_period = CLOCK_NS,
		.exclude_user = 1,
		.sample_type = PERF_SAMPLE_REGS_USER,
		.sample_regs_user = 1ULL << PERF_REG_X86_IP,
	};

	t->sample_fd = open_event(t->tid, &attr);
	if (t->sample_fd < 0)
		return t->sample_fd;
	t->ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, t->sample_fd, 0);
	if (t->ring != MAP_FAILED)
		return 0;
	t->ring = NULL;
	return -errno;
}

/* The address of the newest sample, 0 if there is none. */
static uint64_t newest(const struct trap *t)
{
	struct perf_event_mmap_page *head = t->ring;
	const char *data = (const char *)t->ring + PAGE_SIZE;
	_Atomic uint64_t *at = (_Atomic uint64_t *)&head->data_head;
	uint64_t end = atomic_load_explicit(at, memory_order_acquire);
	uint64_t ip = 0;

	while (head->data_tail < end) {
		struct sample s = { 0 };

		for (size_t i = 0; i < sizeof(s); i++)
			((char *)&s)[i] = data[(head->data_tail + i) % PAGE_SIZE];
		if (s.header.type == PERF_RECORD_SAMPLE && s.abi == PERF_SAMPLE_REGS_ABI_64)
			ip = s.ip;
		if (!s.header.size)
			break;
		head->data_tail += s.header.size;
	}
	return ip;
}

int trap_hunt(struct trap *t)
{
	uint64_t pc;
	int err = 0;

	if (t->clock_fd < 0)
		err = open_clock(t);
	if (!err && t->sample_fd < 0)
		err = open_sample(t);
	if (err)
		return err;
	pc = t->ring ? newest(t) : 0;
	err = pc ? trap_back(t, pc) : 0;
	/* Whoever is in its own code for long enough is met there without. */
	return err == -EOPNOTSUPP ? 0 : err;
}

/* The count of a clock is time. */
static uint64_t count_of(int fd)
{
	uint64_t count;

	return fd >= 0 && read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

uint64_t trap_ran_ns(const struct trap *t)
{
	return count_of(t->clock_fd);
}

bool trap_is_ours(const struct trap *t, const siginfo_t *info)
{
	return info->si_signo == TRAP_SIGNAL && info->si_code == POLL_IN &&
	       info->si_fd >= t->fd_min && info->si_fd <= t->fd_max;
}

/* Whether it ever fired, or for the clock could have. */
static bool end_event(int *fd)
{
	bool fired;

	if (*fd < 0)
		return false;
	ioctl(*fd, PERF_EVENT_IOC_DISABLE, 0);
	fired = count_of(*fd);
	close(*fd);
	*fd = -1;
	return fired;
}

bool trap_fini(struct trap *t)
{
	bool fired = end_event(&t->back_fd);

	fired |= end_event(&t->clock_fd);
	if (t->ring)
		munmap(t->ring, RING_BYTES);
	t->ring = NULL;
	end_event(&t->sample_fd);
	return fired;
}
