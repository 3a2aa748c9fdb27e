/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ORPHAN_H
#define UPAGER_ORPHAN_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/guard.h"
#include "agent/realtime.h"
#include "agent/remote.h"

/*
 * The agent's process is the child of an intermediate one that ends at once,
 * so that init adopts it and the program never sees it:
 *
 *   target --clone(CLONE_VM)--> middle --clone(CLONE_VM)--> agent
 *
 * Both share only the memory, have all signals blocked, an empty table of
 * descriptors, and die with the injector (PTRACE_O_EXITKILL).  Neither needs a
 * stack until the agent's own code runs.
 */
struct orphan {
	struct remote *target; /* inside @guard */
	const struct guard *guard;
	uint64_t insn;
	struct remote middle;
	struct remote agent;
	pid_t middle_inside; /* as the target's PID namespace numbers it */
	pid_t agent_inside;
	struct realtime before; /* both are real-time; how the target is scheduled */
};

/* Both processes stand still.  On error orphan_abort() is due all the same. */
int orphan_begin(struct orphan *o, char *cause);
/* Ends the intermediate process without a trace.  The agent stands still. */
int orphan_finish(struct orphan *o);
/* Instead of orphan_finish(): ends both. */
int orphan_abort(struct orphan *o);

#endif
