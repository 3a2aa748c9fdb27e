/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_LOAD_H
#define UPAGER_MAP_LOAD_H

#include "cli/map/model.h"

/*
 * A map that was saved.  The file is anybody's: what is not in order, overlaps or does not add up is
 * refused.  Prints one line and returns another exit code than 0 if it cannot.
 */
int map_load(const char *path, struct map *m);

#endif
