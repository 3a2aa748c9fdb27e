/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_SAVE_H
#define UPAGER_MAP_SAVE_H

#include <jansson.h>

#include "cli/map/model.h"

#define MAP_FORMAT	   "upager-map"
#define MAP_FORMAT_VERSION 1

/* A map as JSON: what --json prints, and what is saved.  NULL: out of memory. */
json_t *map_to_json(const struct map *m);

#endif
