/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_APPLY_H
#define UPAGER_APPLY_H

#include "event/moves.h"

/* What an event that was read means for tables and regions.  The worker's, within a change. */

/* Staging being dropped by the agent, or runs that a stopped eviction drops: no event at all. */
bool apply_is_own_remove(const struct space *sp, const struct uffd_msg *msg);
/* Of a REMAP, right after it was read: what only then can be known. */
void apply_look_at(struct pager *pg, struct space *sp, struct uffd_msg *msg);
/* Of a REMAP that was looked at: how much moved at most, and whether its mremap() may have returned. */
uint64_t apply_moved_bytes(const struct uffd_msg *msg);
bool apply_may_be_over(const struct uffd_msg *msg);
/* Of a REMAP: what is at its destination came by itself. */
bool apply_is_under_way(const struct uffd_msg *msg);
/* Whether there are tables for it: else the event waits, and with it the program. */
bool apply_has_room(struct pager *pg, struct space *sp, const struct uffd_msg *msg,
		    const struct stays *stays);
/*
 * May be done again, from where the message says that it was, by a daemon after
 * this one.  stays: what is not touched though it is where something went.
 */
void apply_event(struct pager *pg, struct space *sp, struct uffd_msg *msg,
		 const struct stays *stays);

#endif
