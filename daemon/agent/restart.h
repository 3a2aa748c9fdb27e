/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RESTART_H
#define UPAGER_RESTART_H

#include <stdbool.h>

#include "agent/remote.h"

/*
 * A thread is stopped: @regs are its registers.  A call that answers EINTR even
 * to a mere stop is made to restart unless a handler runs, as most calls do by
 * themselves.  True if @regs changed and must be written back.
 */
bool restart_hide_stop(struct remote_regs *regs);
/* Lets a thread that was only stopped run on so. */
int restart_detach(struct remote *r);

/*
 * Aborts the restartable sequence that the thread is in.  The kernel does so
 * after any preemption, but once other registers were in between it would take
 * the sequence for left.
 */
int restart_abort_sequence(const struct remote *r, struct remote_regs *regs);

/* What the kernel does to @regs of an interrupted call when no handler runs. */
void restart_apply(struct remote_regs *regs);

#endif
