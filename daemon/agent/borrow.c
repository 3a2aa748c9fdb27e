// SPDX-License-Identifier: GPL-2.0-only
#include "agent/borrow.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>

#include "agent/cause.h"
#include "agent/filter.h"
#include "agent/restart.h"

/*
 * A thread stops in microseconds, unless it waits in the kernel where no stop
 * reaches it, or for a CPU on a crowded machine.  It runs on until it stops.
 */
#define STOP_FIRST_NS 500000000ULL
#define STOP_NEXT_NS  50000000ULL
#define CALLS_NS      2000000000ULL

#define CS_64BIT 0x33

#ifndef PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211
struct ptrace_sud_config {
	uint64_t mode;
	uint64_t selector;
	uint64_t offset;
	uint64_t len;
};
#endif

/*
 * Each call is two handovers between tracer and tracee: on one CPU that takes a
 * fifth of the time.  Where that is not allowed it just takes longer.
 */
static void move_near(pid_t tid)
{
	struct target_thread th;
	cpu_set_t cpu;

	if (target_thread_read(tid, &th))
		return;
	CPU_ZERO(&cpu);
	CPU_SET((size_t)th.cpu, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
}

static int stop_one(struct remote *r, pid_t tid)
{
	int err = remote_seize(r, tid, 0);

	if (!err)
		err = remote_interrupt(r);
	return err ? err : remote_wait_stop(r);
}

/* A thread that does not stop in time is let go by the end of the helper. */
static int stop_any(struct borrow *b, const pid_t *tid, int nr, char *cause)
{
	int err = -ESRCH;

	for (int i = 0; i < nr; i++) {
		b->thread.deadline_ns = remote_now_ns() + (i ? STOP_NEXT_NS : STOP_FIRST_NS);
		err = stop_one(&b->thread, tid[i]);
		if (!err)
			return 0;
	}
	if (err == -EBUSY)
		return cause_set(cause, err,
				 "no thread of it can be stopped (waiting in the kernel, as in "
				 "vfork()); try again");
	if (err == -EPERM)
		return cause_set(cause, err, "the kernel does not allow to trace it");
	return cause_set(cause, err, "it ended: %s", strerror(-err));
}

/* Calls made in this thread would be sent to its own handler. */
static bool dispatches_calls(const struct remote *r)
{
	struct ptrace_sud_config conf;

	return ptrace((enum __ptrace_request)PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, r->tid,
		      sizeof(conf), &conf) == 0 &&
	       conf.mode != 0;
}

static int check_stopped(const struct remote *r, unsigned int uses, char *cause)
{
	struct remote_regs regs;
	int err = remote_get_regs(r, &regs);

	if (err)
		return cause_set(cause, err, "it ended: %s", strerror(-err));
	if (regs.cs != CS_64BIT)
		return cause_set(cause, -EOPNOTSUPP,
				 "it runs 32-bit code; only 64-bit programs can be paged");
	if (dispatches_calls(r))
		return cause_set(cause, -EOPNOTSUPP,
				 "it intercepts its own system calls (syscall user dispatch)");
	return filter_check(r, uses, cause);
}

int borrow_begin(struct borrow *b, pid_t pid, unsigned int uses, char *cause)
{
	pid_t tid[TARGET_THREADS_MAX];
	int nr = target_candidates(pid, tid, cause);
	int err;

	if (nr < 0)
		return nr;
	err = target_vdso_find(tid[0], &b->vdso, cause);
	if (err)
		return err;
	move_near(tid[0]);
	b->since_ns = remote_now_ns();
	err = stop_any(b, tid, nr, cause);
	if (err)
		return err;
	b->thread.deadline_ns = b->since_ns + CALLS_NS;
	err = check_stopped(&b->thread, uses, cause);
	if (!err) {
		err = guard_enter(&b->guard, &b->thread, b->vdso.spare);
		if (!err)
			return 0;
		cause_set(cause, err, "its thread %d cannot be borrowed: %s", b->thread.tid,
			  strerror(-err));
	}
	restart_detach(&b->thread);
	return err;
}

int borrow_end(struct borrow *b, uint64_t *stopped_ns)
{
	int err = guard_leave(&b->guard, &b->thread);

	*stopped_ns = remote_now_ns() - b->since_ns;
	return err;
}
