/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_DIFF_H
#define UPAGER_MAP_DIFF_H

#include "cli/map/model.h"

/* What became of regions between two maps, as a table or as JSON.  0 or -errno. */
int map_diff_print(const struct map *before, const struct map *after);
int map_diff_json(const struct map *before, const struct map *after);
/* In one line. */
void map_diff_line(const struct map *before, const struct map *after, bool narrow);

#endif
