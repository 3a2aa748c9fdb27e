// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/bars.h"

#define VISIBLE_PART 50

uint64_t map_bar_part(const struct map *m, enum map_bar bar, enum map_kind kind)
{
	struct map_sum sum = { 0 };

	for (uint32_t i = 0; i < m->nr_regions; i++)
		if (m->region[i].kind == kind)
			map_sum_add(&sum, &m->region[i]);
	switch (bar) {
	case MAP_BAR_RESERVED:
		return sum.bytes;
	case MAP_BAR_RESIDENT:
		return map_sum_resident_bytes(&sum);
	default:
		return map_sum_swapped_bytes(&sum);
	}
}

void map_bars_find(const struct map *m, struct map_bars *bars)
{
	struct map_sum all;

	map_sum_all(m, &all);
	bars->bytes[MAP_BAR_RESERVED] = all.bytes;
	bars->bytes[MAP_BAR_RESIDENT] = map_sum_resident_bytes(&all);
	bars->bytes[MAP_BAR_SWAPPED] = map_swapped_bytes(m);
	bars->one_scale = bars->bytes[MAP_BAR_RESIDENT] * VISIBLE_PART > all.bytes;
	for (int i = 0; i < MAP_BARS; i++)
		bars->scale[i] = bars->one_scale ? all.bytes : bars->bytes[i];
}

const char *map_bar_name(enum map_bar bar)
{
	static const char *const names[MAP_BARS] = { "reserved", "resident", "swapped" };

	return names[bar];
}
