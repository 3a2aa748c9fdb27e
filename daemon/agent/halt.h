/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HALT_H
#define UPAGER_HALT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/remote.h"
#include "agent/trap.h"
#include "agent/waiting.h"

/*
 * Stops one thread such that it does not notice: where it runs its own code, or
 * in a wait that goes on as if nothing had been.  Whoever waits in another call
 * is left alone until that returns, or is kept in there: it runs no code of its
 * own, though nothing ended its wait.
 *
 * Between the look at a wait and the stop the thread may have gone on to
 * another one: microseconds, which nothing closes.
 */
enum halt_state {
	HALT_LOOKING,
	HALT_TOLD, /* the stop comes */
	HALT_STOPPED,
	HALT_KEPT, /* in a call, behind which it stops */
	HALT_ENDED,
};

struct halt {
	struct remote r;
	enum halt_state state;
	bool keeps; /* a call, which changes no mapping, may be waited in meanwhile */
	bool any; /* stop it whatever it is in */
	uint64_t look_ns; /* what runs is looked at again then */
	uint64_t late_ns; /* until then it is not stopped where a time limit begins anew */
	struct trap trap;
	struct waiting waiting; /* when last looked at */
};

/* Options are zero but for @keeps and so on.  Traces it; that alone stops nothing. */
int halt_begin(struct halt *h, pid_t tid);
/* One step, which waits for nothing: @state has what came of it. */
int halt_step(struct halt *h);
/* Steps until it is stopped, kept or gone.  -EBUSY: not before @until_ns. */
int halt_wait(struct halt *h, uint64_t until_ns);
/*
 * As if nothing had been.  False: it may be traced still, and is let go by the end of the helper, as
 * what was not stopped is.
 */
bool halt_end(struct halt *h);

#endif
