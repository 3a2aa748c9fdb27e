/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SURVIVOR_H
#define UPAGER_SURVIVOR_H

#include "life/housekeeping.h"

/*
 * The processes that a daemon which died has left, paged or watched.  Before the
 * first round of housekeeping.
 */
void survivors_take_on(struct housekeeping *h);

#endif
