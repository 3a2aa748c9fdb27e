/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_TERM_H
#define UPAGER_MAP_TERM_H

#include "cli/map/model.h"
#include "cli/map/screen.h"

/* The picture on stdout.  0 or -errno. */
int map_term_print(const struct map_term *t, const struct map *m);

#endif
