/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ENDING_H
#define UPAGER_ENDING_H

#include "base/progress.h"
#include "life/housekeeping.h"

/*
 * The end: every program gets its pages back, those with the least outside first, as
 * far as memory has room.  Who cannot be let go of is named, and stays with the keeper
 * as if the daemon had died (life/left.h): one program keeps no others, nor the daemon.
 */
struct ending {
	struct housekeeping *h;
	uint64_t since_ns;
	uint64_t until_ns; /* no longer */
	uint64_t room_bytes; /* of memory, that nobody is to fill yet */
	uint64_t most_bytes; /* that were outside */
	struct progress progress;
};

void ending_begin(struct ending *ending, struct housekeeping *h, uint64_t limit_ns);
/*
 * Again and again, between rounds; true: nothing is paged any more. May end the process,
 * before the limit only if nobody else ends_too.
 */
bool ending_step(struct ending *ending, bool ends_too);
/* Who is still there is left at once, because whoever is at the terminal will not wait. */
_Noreturn void ending_give_up(struct ending *ending);

#endif
