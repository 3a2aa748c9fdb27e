/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_USERS_H
#define UPAGER_MAP_USERS_H

#include "cli/map/model.h"

/* How many processes map each object: of those whose /proc/PID/maps can be read.  0 or -ENOMEM. */
int map_users_count(struct map *m);

#endif
