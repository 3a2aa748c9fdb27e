// SPDX-License-Identifier: GPL-2.0-only
#include "agent/provision.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/call.h"
#include "agent/cause.h"
#include "agent/entry.h"
#include "agent/frame.h"
#include "agent/grip.h"
#include "agent/pass.h"
#include "agent/place.h"
#include "agent/untrusted.h"
#include "base/types.h"

#define UFFD_DEVICE "/dev/userfaultfd"
#define UFFD_FLAGS  (O_CLOEXEC | O_NONBLOCK)

#define EFLAGS_PLAIN  0x202 /* interrupts on, everything else off */
#define READY_TICK_NS 2000000

#define RESERVATION_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

/*
 * munlock: after mlockall(MCL_FUTURE) a new mapping is locked.  mprotect() of
 * parts of one reservation, not new mappings, so that they keep DONTFORK.
 */
static int map_reservation(struct provision *o, char *cause)
{
	struct inject_place *pl = &o->place;
	uint64_t bytes;
	int64_t ret;
	int err;

	place_layout(pl, 0);
	bytes = place_bytes(pl);
	err = call_make(o->agent, &ret, SYS_mmap,
			CALL_ARGS(o->hint, bytes, PROT_NONE,
				  RESERVATION_FLAGS | (o->hint ? MAP_FIXED_NOREPLACE : 0),
				  UINT64_MAX, 0));
	if (!err && ret < 0 && o->hint) /* the program has mapped something there since */
		err = CALL_MUST(o->agent, &ret, cause, mmap, 0, bytes, PROT_NONE, RESERVATION_FLAGS,
				UINT64_MAX, 0);
	else if (!err && ret < 0)
		err = cause_set(cause, (int)ret, "mmap in the target: %s", strerror((int)-ret));
	if (err) {
		*pl = (struct inject_place){ 0 };
		return err;
	}
	place_layout(pl, (uint64_t)ret);
	/* If we die from here on, the daemon finds what to unmap in the control page. */
	o->ctl->staging = pl->staging_addr;
	err = CALL_MUST(o->agent, &ret, cause, munlock, pl->ctl_addr, bytes);
	if (!err)
		err = CALL_MUST(o->agent, &ret, cause, madvise, pl->ctl_addr, bytes, MADV_DONTFORK);
	if (!err)
		err = CALL_MUST(o->agent, &ret, cause, madvise, pl->ctl_addr, bytes, MADV_DONTDUMP);
	/* EINVAL in a kernel without huge pages. */
	if (!err)
		err = call_make(o->agent, &ret, SYS_madvise,
				CALL_ARGS(pl->staging_addr, pl->staging_bytes, MADV_NOHUGEPAGE));
	if (!err)
		err = CALL_MUST(o->agent, &ret, cause, mprotect, pl->stack_addr, pl->stack_bytes,
				PROT_READ | PROT_WRITE);
	if (!err)
		err = CALL_MUST(o->agent, &ret, cause, mprotect, pl->staging_addr,
				pl->staging_bytes, PROT_READ | PROT_WRITE);
	return err;
}

static int map_file(struct provision *o, int fd, uint64_t addr, uint64_t bytes, int prot, int flags,
		    char *cause)
{
	int64_t ret;

	return CALL_MUST(o->agent, &ret, cause, mmap, addr, bytes, (uint64_t)prot,
			 (uint64_t)(flags | MAP_FIXED), (uint64_t)fd, 0);
}

/* The same flags again for what replaced parts of the reservation. */
static int map_files(struct provision *o, char *cause)
{
	const struct inject_place *pl = &o->place;
	uint64_t bytes = pl->ctl_bytes + pl->code_bytes;
	int64_t ret;
	int err;

	err = map_file(o, o->inside[PASSED_CTL], pl->ctl_addr, pl->ctl_bytes,
		       PROT_READ | PROT_WRITE, MAP_SHARED, cause);
	if (!err)
		err = map_file(o, o->inside[PASSED_CODE], pl->code_addr, pl->code_bytes,
			       PROT_READ | PROT_EXEC, MAP_PRIVATE, cause);
	if (!err)
		err = CALL_MUST(o->agent, &ret, cause, madvise, pl->ctl_addr, bytes, MADV_DONTFORK);
	if (!err)
		err = CALL_MUST(o->agent, &ret, cause, madvise, pl->ctl_addr, bytes, MADV_DONTDUMP);
	if (!err)
		err = CALL_MUST(o->agent, &ret, cause, munlock, pl->ctl_addr, bytes);
	return err;
}

int provision_open(struct provision *o, char *cause)
{
	o->ctl = mmap(NULL, AGENT_CTL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, o->fd[PASSED_CTL],
		      0);
	if (o->ctl == MAP_FAILED)
		return cause_set(cause, -errno, "the control page: %s", strerror(errno));
	o->fd[PASSED_CODE] = frame_code_memfd();
	if (o->fd[PASSED_CODE] < 0)
		return cause_set(cause, o->fd[PASSED_CODE], "no memory for the agent's code: %s",
				 strerror(-o->fd[PASSED_CODE]));
	o->fd[PASSED_GRIP] = grip_make(&o->grip_pages);
	if (o->fd[PASSED_GRIP] < 0)
		return cause_set(cause, o->fd[PASSED_GRIP], "no pipe for the agent: %s",
				 strerror(-o->fd[PASSED_GRIP]));
	if (!o->unprivileged || o->uffd_given)
		return 0;
	o->fd[PASSED_DEVICE] = open(UFFD_DEVICE, O_RDWR | O_CLOEXEC);
	if (o->fd[PASSED_DEVICE] < 0)
		return cause_set(cause, -EOPNOTSUPP,
				 UFFD_DEVICE ": %s; unprivileged programs need it (Linux 6.1)",
				 strerror(errno));
	return 0;
}

int provision_map(struct provision *o, char *cause)
{
	int err = map_reservation(o, cause);

	if (!err)
		err = pass_fds(o->agent, o->agent_pidfd, o->place.stack_addr, o->fd, o->inside,
			       o->unprivileged || o->uffd_given ? __PASSED_MAX : PASSED_DEVICE,
			       cause);
	return err ? err : map_files(o, cause);
}

int provision_unmap(struct provision *o)
{
	int64_t ret = 0;
	int err = 0;

	if (o->place.ctl_addr)
		err = call_make(o->agent, &ret, SYS_munmap,
				CALL_ARGS(o->place.ctl_addr, place_bytes(&o->place)));
	if (!err && !ret)
		o->ctl->staging = 0;
	return err ? err : (int)ret;
}

static int make_uffd(struct provision *o, int *uffd, char *cause)
{
	int64_t ret;
	int err;

	if (o->uffd_given) {
		*uffd = o->inside[PASSED_DEVICE];
		return 0;
	}
	if (o->unprivileged)
		err = CALL_MUST(o->agent, &ret, cause, ioctl, (uint64_t)o->inside[PASSED_DEVICE],
				USERFAULTFD_IOC_NEW, UFFD_FLAGS);
	else
		err = CALL_MUST(o->agent, &ret, cause, userfaultfd, UFFD_FLAGS);
	*uffd = (int)ret;
	return err;
}

static int write_frame(const struct provision *o, uint64_t addr)
{
	struct frame frame;

	frame_fill(&frame, addr);
	return remote_write(o->agent->tid, addr, &frame, sizeof(frame));
}

static int start_code(const struct provision *o)
{
	const struct inject_place *pl = &o->place;
	uint64_t entry = frame_entry(pl);
	uint64_t frame = (pl->stack_addr + pl->stack_bytes - sizeof(struct frame)) & ~15ULL;
	struct remote_regs regs = o->agent->regs;
	int err = write_frame(o, frame);

	if (err)
		return err;
	regs.rip = entry;
	/* As if called: the (empty) return address misaligns the stack by 8. */
	regs.rsp = frame - 8;
	regs.rbp = 0;
	regs.rdi = pl->ctl_addr;
	regs.rsi = frame;
	regs.eflags = EFLAGS_PLAIN;
	realtime_end(o->agent->tid, &o->before);
	err = remote_set_regs(o->agent, &regs);
	return err ? err : remote_resume(o->agent);
}

static int wait_ready(struct provision *o, char *cause)
{
	struct agent_ctl *ctl = o->ctl;
	const struct timespec tick = { .tv_nsec = READY_TICK_NS };

	while (!untrusted(ctl->ready)) {
		int err = remote_check_running(o->agent), error = untrusted(ctl->setup_error);

		if (err)
			return cause_set(cause, err, "the agent died in its set-up");
		if (error < 0 && error > -4096)
			return cause_set(cause, error, "the agent's set-up: %s", strerror(-error));
		if (remote_now_ns() > o->agent->deadline_ns)
			return cause_set(cause, -EBUSY, "the agent is not ready; try again");
		syscall(SYS_futex, &ctl->ready, FUTEX_WAIT, 0, &tick, NULL, 0);
	}
	return 0;
}

int provision_start(struct provision *o, char *cause)
{
	struct agent_ctl *ctl = o->ctl;
	int uffd;
	int err = make_uffd(o, &uffd, cause);

	if (err)
		return err;
	ctl->magic = AGENT_MAGIC;
	ctl->version = 1;
	ctl->uffd = uffd;
	ctl->pool_fd = o->inside[PASSED_POOL];
	ctl->event_fd = o->inside[PASSED_EVENT];
	ctl->grip_fd = o->inside[PASSED_GRIP];
	ctl->grip_pages = o->grip_pages;
	ctl->staging_pages = AGENT_STAGING_PAGES;
	err = start_code(o);
	if (err)
		return cause_set(cause, err, "the agent cannot be started: %s", strerror(-err));
	return wait_ready(o, cause);
}
