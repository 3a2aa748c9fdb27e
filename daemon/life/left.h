/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_LEFT_H
#define UPAGER_LEFT_H

#include "base/clock.h"
#include "pager.h"

#define LEFT_LATE_NS (5 * NS_PER_S)

/*
 * Says of each program that is still paged why, and ends the process as SIGKILL would:
 * the keeper has what they need, and they wait where they need the daemon until another
 * one comes.  Any thread's.
 */
_Noreturn void left_behind(struct pager *pg);
/*
 * A thread that has that happen so long, and a little, after the end has begun, or after
 * a signal came that begins it and was not taken: a program may make the main thread
 * itself wait.
 */
int left_limit_start(struct pager *pg, int signal_fd, uint64_t limit_ns);
void left_limit_change(uint64_t limit_ns);
/* The main thread's. */
void left_limit_begin(void);

#endif
