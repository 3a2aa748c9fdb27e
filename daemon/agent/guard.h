/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_GUARD_H
#define UPAGER_GUARD_H

#include <stdint.h>

#include "agent/remote.h"

/*
 * Calls in a thread of the program itself, such that the injector may die at
 * any instant: the thread then finishes the call that it is in and goes on
 * where it was stopped, with its own registers and signal mask.
 *
 * Behind every call instruction stands code that does this.  It lives in the
 * vDSO's mapping, beyond the end of the vDSO's loaded segment, together with
 * what it restores.  Nothing is written to the thread's stack (it may be a tiny
 * one) and nothing but general registers, which no signal frame need hold, is
 * changed.  What a dead injector leaves behind is GUARD_BYTES of dead text and,
 * if it died between the calls of an attach, one zombie that only
 * wait(__WALL) sees.
 */
#define GUARD_BYTES 256

struct guard {
	uint64_t addr; /* GUARD_BYTES that nothing else uses */
	struct remote_regs regs;
	uint64_t sigmask;
	char saved[GUARD_BYTES];
};

/*
 * The stopped thread's signals are blocked and remote_call() is ready.
 * -EBUSY: the thread still runs the guard of an injector that died.
 */
int guard_enter(struct guard *g, struct remote *r, uint64_t addr);
/* clone(): the child, should it ever run by itself, exits at once. */
void guard_next_is_clone(const struct guard *g, struct remote *r);
void guard_next_is_plain(const struct guard *g, struct remote *r);
/* Everything is as before; the thread is detached. */
int guard_leave(struct guard *g, struct remote *r);

#endif
