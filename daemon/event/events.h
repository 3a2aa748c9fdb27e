/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_EVENTS_H
#define UPAGER_EVENTS_H

#include <stdbool.h>

#include "pager.h"

/*
 * What a userfaultfd reports.  Messages are read straight into the space's
 * event slot in the state file, because an event that was read is done for the
 * kernel [F4].  All events of a batch are applied before any of its faults,
 * whatever the order of reading [F6], and only once all that the agent was told
 * to move is settled.  The worker's thread only.
 */

/*
 * Reads and handles what is pending.  Returns false when the space must be
 * looked at again soon though nothing new arrives: the agent did not let go,
 * or events wait for its batch.
 */
bool events_read(struct pager *pg, struct space *sp);
/* Goes on with events that waited: a fork for writes, any for room for page tables. */
void events_resume(struct pager *pg, struct space *sp);
/* Whether a fork waits, whose child needs what is here whatever becomes of its parent. */
bool events_fork_waits(const struct space *sp);

#endif
