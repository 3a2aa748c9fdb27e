// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/picture.h"

#include <stdlib.h>
#include <string.h>

#include "cli/map/collect.h"
#include "cli/map/layout.h"

struct map *picture_take(pid_t pid)
{
	struct map *m = malloc(sizeof(*m));

	if (m && map_collect(pid, "tour", m)) {
		free(m);
		m = NULL;
	}
	return m;
}

void picture_free(struct map *m)
{
	if (!m)
		return;
	map_free(m);
	free(m);
}

uint32_t picture_holes(const struct map *m)
{
	struct map_layout l;
	uint32_t holes = 0;

	if (map_layout_init(&l, m))
		return 0;
	for (uint32_t i = 0; i < l.nr; i++)
		holes += !l.item[i].nr_regions;
	map_layout_fini(&l);
	return holes;
}

uint64_t picture_largest_hole(const struct map *m)
{
	uint64_t start;

	return map_largest_hole(m, &start);
}

uint64_t picture_space_bytes(const struct map *m)
{
	return m->space_bytes;
}

uint64_t picture_mapped_bytes(const struct map *m)
{
	struct map_sum sum = { 0 };

	map_sum_all(m, &sum);
	return sum.bytes;
}

void picture_files(const struct map *m, uint64_t *mapped_bytes, uint64_t *resident_bytes)
{
	struct map_sum sum = { 0 };

	for (uint32_t i = 0; i < m->nr_regions; i++)
		if (m->region[i].object != MAP_NO_OBJECT)
			map_sum_add(&sum, &m->region[i]);
	*mapped_bytes = sum.bytes;
	*resident_bytes = map_sum_resident_bytes(&sum);
}

bool picture_named(const struct map *m, const char *name, uint64_t *start, uint64_t *end)
{
	bool found = false;

	for (uint32_t i = 0; i < m->nr_regions; i++) {
		if (strcmp(m->region[i].name, name))
			continue;
		if (!found)
			*start = m->region[i].start;
		*end = m->region[i].end;
		found = true;
	}
	return found;
}

uint64_t picture_hole_above(const struct map *m, uint64_t address)
{
	uint64_t next = m->space_bytes;

	for (uint32_t i = m->nr_regions; i-- && m->region[i].start >= address;)
		next = m->region[i].start;
	return next - address;
}

uint64_t picture_hole_below(const struct map *m, uint64_t address)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < m->nr_regions && m->region[i].end <= address; i++)
		last = m->region[i].end;
	return address - last;
}

bool picture_object(const struct map *m, const char *text, uint64_t *start, uint64_t *end)
{
	bool found = false;

	for (uint32_t i = 0; i < m->nr_regions; i++) {
		const struct map_region *r = &m->region[i];

		if (r->object == MAP_NO_OBJECT || !strstr(m->object[r->object].path, text) ||
		    (found && r->start != *end))
			continue;
		if (!found)
			*start = r->start;
		*end = r->end;
		found = true;
	}
	return found;
}
