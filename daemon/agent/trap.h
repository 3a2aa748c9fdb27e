/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TRAP_H
#define UPAGER_TRAP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Stops a thread that we trace in its own code only, never inside a system call,
 * which therefore notices nothing: perf events send it a signal that only its
 * tracer sees.  Should we die at that very moment, the thread gets the signal,
 * which does nothing unless the program has a handler for it.
 */
#define TRAP_SIGNAL SIGURG

struct trap {
	pid_t tid;
	int back_fd; /* fires where a system call returns to; -1: none */
	uint64_t back_pc;
	int clock_fd; /* fires now and then in its own code */
	int sample_fd; /* tells now and then where the call that it is in returns to */
	void *ring; /* sample_fd's */
	int fd_min; /* what has fired may be known by its number only */
	int fd_max;
};

void trap_init(struct trap *t, pid_t tid);
/*
 * Fires before the instruction at @pc, where a call that the thread is in
 * returns to.  -errno: there are no such events to be had.
 */
int trap_back(struct trap *t, uint64_t pc);
/*
 * Fires as soon as the thread, which runs, is in its own code.  To be called
 * again and again: where the thread is never met there, the call that it is in
 * gets a trap_back().
 */
int trap_hunt(struct trap *t);
/* How long the thread has run since. */
uint64_t trap_ran_ns(const struct trap *t);
/* Of a thread that stopped with TRAP_SIGNAL: was it by this? */
bool trap_is_ours(const struct trap *t, const siginfo_t *info);
/* Nothing fires afterwards.  True if something may have just before. */
bool trap_fini(struct trap *t);

#endif
