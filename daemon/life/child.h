/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CHILD_H
#define UPAGER_CHILD_H

#include "life/housekeeping.h"

/*
 * A fork's child: which process it is, and what it inherited.  The event names
 * no pid.  Its first fault names a thread, which may be a debugger's or a
 * number of another namespace; a child that touches nothing never faults.  So
 * whoever may be meant is asked (ask.h).  The housekeeping thread.
 */

/* Looks for the process of a space that is NEWBORN, unless it was found already. */
void child_look_after(struct housekeeping *h, struct space *sp);

#endif
