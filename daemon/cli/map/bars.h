/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_BARS_H
#define UPAGER_MAP_BARS_H

#include "cli/map/model.h"

/* The bars on top of every picture. */
enum map_bar {
	MAP_BAR_RESERVED,
	MAP_BAR_RESIDENT,
	MAP_BAR_SWAPPED,
	__MAP_BARS,
};
#define MAP_BARS __MAP_BARS

struct map_bars {
	uint64_t bytes[MAP_BARS];
	uint64_t scale[MAP_BARS]; /* what a full bar is */
	bool one_scale;
};

/* One scale for all, unless what is resident could hardly be seen then. */
void map_bars_find(const struct map *m, struct map_bars *bars);
/* Of a bar, what is of a kind: all kinds may be less than the bar where the pager tells sums only. */
uint64_t map_bar_part(const struct map *m, enum map_bar bar, enum map_kind kind);
const char *map_bar_name(enum map_bar bar);

#endif
