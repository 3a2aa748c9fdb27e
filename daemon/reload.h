/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RELOAD_H
#define UPAGER_RELOAD_H

#include "control/sessions.h"
#include "life/housekeeping.h"
#include "options.h"

/*
 * Reads the options again and goes by those that a running daemon can change; those that it cannot
 * are named.  If something is wrong with them all stay as they were.
 */
void reload(struct options *options, int argc, char **argv, struct housekeeping *h,
	    struct sessions *sessions);

#endif
