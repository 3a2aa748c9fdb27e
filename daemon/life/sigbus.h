/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SIGBUS_H
#define UPAGER_SIGBUS_H

#include "life/housekeeping.h"

/*
 * SIGBUS for forked children that nobody can serve, where their pages could not be
 * poisoned (before Linux 6.6): the process that faults gets it, at whatever page
 * that is missing, also one that nobody has touched.  It may block or ignore the
 * signal, or come back to the same page from its handler: after some times SIGKILL.
 */
void sigbus_look_after(struct housekeeping *h);

#endif
