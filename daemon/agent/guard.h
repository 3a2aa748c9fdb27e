/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_GUARD_H
#define UPAGER_GUARD_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/remote.h"
#include "agent/target.h"

/*
 * Calls in a thread of the program itself, such that the injector may die at
 * any instant: the thread then finishes the call that it is in and goes on
 * where it was stopped, with its own registers and signal mask.
 *
 * Behind every call instruction stands code that does this.  It lives in the
 * vDSO's mapping, beyond the end of the vDSO's loaded segment, together with
 * what it restores.  Nothing is written to the thread's stack (it may be a tiny
 * one) and nothing but general registers, which no signal frame need hold, is
 * changed.  What a dead injector leaves behind is GUARD_BYTES of dead text.
 */
struct guard {
	uint64_t addr; /* GUARD_BYTES that nothing else uses */
	struct remote_regs regs;
	uint64_t sigmask;
	char saved[GUARD_BYTES];
};

/*
 * The stopped thread's signals are blocked and call_make() is ready.
 * -EBUSY: the thread still runs the guard of an injector that died.
 */
int guard_enter(struct guard *g, struct remote *r, uint64_t addr);
/*
 * The next call is clone(): the child, should it ever run by itself, exits at
 * once.  Until guard_child_reaped() the thread, should we die, waits for it
 * before it goes on.
 */
void guard_next_is_clone(const struct guard *g, struct remote *r);
int guard_child_born(const struct guard *g, struct remote *r, pid_t child);
int guard_child_reaped(const struct guard *g, struct remote *r);
/* Everything is as before; the thread is detached. */
int guard_leave(struct guard *g, struct remote *r);

#endif
