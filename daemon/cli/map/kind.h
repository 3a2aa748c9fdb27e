/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_KIND_H
#define UPAGER_MAP_KIND_H

#include "cli/map/model.h"

/*
 * Says of each region what kind it is, and makes the objects.  program: the path of its file,
 * as /proc shows it, or "".  0 or -ENOMEM.
 */
int map_kinds_find(struct map *m, const char *program);

#endif
