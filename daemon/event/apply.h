/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_APPLY_H
#define UPAGER_APPLY_H

#include "pager.h"

/* What an event that was read means for tables and regions.  The worker's, within a change. */

/* Staging being dropped by the agent, or runs that a stopped eviction drops: no event at all. */
bool apply_is_own_remove(const struct space *sp, const struct uffd_msg *msg);
/* Whether there are tables for it: else the event waits, and with it the program. */
bool apply_has_room(struct pager *pg, struct space *sp, const struct uffd_msg *msg);
/* May be done again, from where the message says that it was, by a daemon after this one. */
void apply_event(struct pager *pg, struct space *sp, struct uffd_msg *msg);
/* It is: what it has in the state file is its own no more.  Unless a daemon died in the next one. */
void apply_settle(struct pager *pg, struct space *sp);

#endif
