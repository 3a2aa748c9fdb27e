/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SURVIVOR_H
#define UPAGER_SURVIVOR_H

#include "life/house.h"

/*
 * The processes of the spaces that a daemon which died has left.  Before the
 * first round of the house.
 */
void survivors_take_on(struct house *h);

#endif
