/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_THREADS_H
#define UPAGER_THREADS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* As many threads as one part of the list has. */
#define THREADS_PART 16

/*
 * The next part of the threads of a process, whose directory /proc/PID/task was
 * opened; with @again from the first.  Their number, 0 after the last, or
 * -errno.
 */
int threads_read(int task_dir_fd, bool again, pid_t tid[THREADS_PART]);
/* Whether a thread of that directory runs, or could if it had a processor. */
bool threads_runnable(int task_dir_fd, pid_t tid);
/* Where the head of a thread's robust list is; 0: it has none, or is gone. */
uint64_t threads_robust_head(pid_t tid);

#endif
