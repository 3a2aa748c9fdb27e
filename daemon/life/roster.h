/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ROSTER_H
#define UPAGER_ROSTER_H

#include "life/housekeeping.h"

/*
 * Who is taken care of, for the daemon after this one: the file "processes" of
 * the state directory, one line each.  Spaces are recorded by themselves; this is
 * for those in which nothing of ours is yet.  The housekeeping thread.
 */

/* Writes it if that is so; at once, or when it was not written just before. */
void roster_write(struct housekeeping *h, bool now);
/* Those of a daemon that died, but for whom housekeeping knows already. */
void roster_take_on(struct housekeeping *h);

#endif
