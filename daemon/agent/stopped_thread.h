/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STOPPED_THREAD_H
#define UPAGER_STOPPED_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/guard.h"
#include "agent/remote.h"
#include "agent/target.h"

/* One thread of a program, stopped, for calls in it. */
struct stopped_thread {
	struct remote thread;
	struct guard guard;
	struct target_vdso vdso;
	uint64_t since_ns;
};

/*
 * @uses: enum filter_use, what the calls are for; @any: also a thread that
 * notices it.  Errors as of inject_attach().
 */
int stopped_thread_begin(struct stopped_thread *b, pid_t pid, unsigned int uses, bool any,
			 char *cause);
/* How long it was stopped. */
int stopped_thread_end(struct stopped_thread *b, uint64_t *stopped_ns);

#endif
