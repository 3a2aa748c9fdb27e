/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CHANGE_H
#define UPAGER_CHANGE_H

#include "memory/space.h"

/*
 * Whole tables and regions change between change_begin() and change_end() only;
 * page_drop() and its like insist on it.  What the daemon found out by looking
 * at a process may be from after an event that it has not read: then its tables
 * are from before, and nothing may be concluded for them.
 */
enum change_cause {
	CHANGE_EVENT, /* the next event in the kernel's order is applied */
	CHANGE_APART, /* likewise, and none of the events is about a page of a pending batch */
	CHANGE_LOOKED, /* something was looked at, with map_changes as it is now */
};

/*
 * Worker: false as long as a batch is pending, whose pages are the agent's (but
 * for CHANGE_APART), or an event unread, which only the kernel knows.  One that is raised right after
 * it was asked does no harm: what was looked at is from before, and the event
 * applies to the changed tables when it is read, later, by the same thread.
 */
bool change_begin(struct space *sp, enum change_cause cause);
void change_end(struct space *sp);

#endif
