/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_PAGER_H
#define UPAGER_MAP_PAGER_H

#include "cli/map/model.h"

/*
 * What the daemon has taken out of the process; a daemon that is not there, or that this user may
 * not ask, is no error.  0 or -ENOMEM.
 */
int map_pager_ask(struct map *m);

#endif
