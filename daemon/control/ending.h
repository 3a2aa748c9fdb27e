/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ENDING_H
#define UPAGER_ENDING_H

#include "life/housekeeping.h"

/*
 * The end: every program gets its pages back, those with the least outside first, as
 * far as memory has room.  Who cannot be let go of is named, and stays with the keeper
 * as if the daemon had died (life/left.h): one program keeps no others, nor the daemon.
 */
struct ending {
	struct housekeeping *h;
	uint64_t until_ns; /* no longer */
	uint64_t room_bytes; /* of memory, that nobody is to fill yet */
};

void ending_begin(struct ending *ending, struct housekeeping *h, uint64_t limit_ns);
/*
 * Again and again, between rounds; true: nothing is paged any more. May end the process,
 * before the limit only if nobody else ends_too.
 */
bool ending_step(struct ending *ending, bool ends_too);

#endif
