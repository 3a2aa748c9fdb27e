// SPDX-License-Identifier: GPL-2.0-only
#include "agent/stopped_thread.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <time.h>

#include "agent/cause.h"
#include "agent/filter.h"
#include "agent/halt.h"
#include "agent/restart.h"

/*
 * A thread stops in microseconds, unless it waits in the kernel where no stop
 * reaches it, or for a CPU on a crowded machine.  It runs on until it stops.
 */
#define STOP_FIRST_NS 500000000ULL
#define STOP_NEXT_NS  50000000ULL
/* Until one comes to where it can be stopped; then until a wait's limit may begin anew. */
#define LOOK_NS	      50000000ULL
#define LATE_NS	      30000000ULL
#define PAUSE_NS      1000000
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

struct choice {
	pid_t *tid;
	int nr;
	int best;
	int rank; /* of the best: the less the better */
	pid_t seen; /* for want of any: one that cannot be stopped now, and its wait */
	struct waiting waiting;
};

enum {
	RANK_WAITS,
	RANK_RUNS,
	RANK_LATE,
	RANK_NONE
};

static int rank_of(const struct waiting *w, bool late)
{
	if (w->runs)
		return RANK_RUNS;
	if (w->notice == NOTICE_NOTHING)
		return RANK_WAITS;
	return late && w->notice == NOTICE_LATE ? RANK_LATE : RANK_NONE;
}

/* A thread that ended is out of the choice. */
static void forget(struct choice *c, int i)
{
	c->tid[i] = c->tid[--c->nr];
}

static void choose(struct choice *c, bool late)
{
	struct waiting w;

	c->rank = RANK_NONE;
	for (int i = 0; i < c->nr && c->rank != RANK_WAITS;) {
		int rank;

		if (waiting_look(c->tid[i], &w)) {
			forget(c, i);
			continue;
		}
		rank = rank_of(&w, late);
		if (rank < c->rank) {
			c->rank = rank;
			c->best = i;
		}
		if (rank == RANK_NONE) {
			c->seen = c->tid[i];
			c->waiting = w;
		}
		i++;
	}
}

/* One that does not stop in time is let go by the end of the helper. */
static int stop_best(struct stopped_thread *b, struct choice *c, bool any, uint64_t wait_ns)
{
	pid_t tid = c->tid[c->best];
	struct halt h = { .any = any };
	int err = halt_begin(&h, tid);

	forget(c, c->best);
	if (!err)
		err = halt_wait(&h, remote_now_ns() + wait_ns);
	if (err == -EBUSY) {
		c->seen = tid;
		c->waiting = h.waiting;
	}
	if (err)
		halt_end(&h);
	else
		b->thread = h.r;
	return err;
}

static int explain(const struct choice *c, int err, char *cause)
{
	const struct waiting *w = &c->waiting;

	if (err == -EPERM)
		return cause_set(cause, err, "the kernel does not allow to trace it");
	if (err == -ESRCH && !c->seen)
		return cause_set(cause, err, "it ended: %s", strerror(-err));
	if (c->seen && !w->runs && w->asleep && w->notice != NOTICE_NOTHING)
		return cause_set(cause, -EAGAIN,
				 "thread %d waits in system call %ld (%s), which would notice that "
				 "it is stopped",
				 c->seen, w->nr, waiting_name(w->nr));
	return cause_set(cause, -EBUSY,
			 "no thread of it can be stopped (waiting or at work in the kernel, as in "
			 "vfork()); try again");
}

static int stop_any(struct stopped_thread *b, pid_t *tid, int nr, bool any, char *cause)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	uint64_t begin_ns = remote_now_ns();
	struct choice c = { .tid = tid, .nr = nr };
	bool first = true;
	int err = -ESRCH;

	while (c.nr && remote_now_ns() - begin_ns < LOOK_NS) {
		if (any)
			c.best = c.rank = 0;
		else
			choose(&c, remote_now_ns() - begin_ns > LATE_NS);
		if (c.rank == RANK_NONE) {
			nanosleep(&pause, NULL);
			continue;
		}
		err = stop_best(b, &c, any, first ? STOP_FIRST_NS : STOP_NEXT_NS);
		if (!err)
			return 0;
		first = false;
	}
	return explain(&c, err, cause);
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

int stopped_thread_begin(struct stopped_thread *b, pid_t pid, unsigned int uses, bool any,
			 char *cause)
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
	err = stop_any(b, tid, nr, any, cause);
	if (err)
		return err;
	b->since_ns = remote_now_ns();
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

int stopped_thread_end(struct stopped_thread *b, uint64_t *stopped_ns)
{
	int err = guard_leave(&b->guard, &b->thread);

	*stopped_ns = remote_now_ns() - b->since_ns;
	return err;
}
