// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this many regions each gets fewer cells. */
#define MANY_REGIONS 4096

void map_free(struct map *m)
{
	for (uint32_t i = 0; i < m->nr_regions; i++) {
		free(m->region[i].name);
		free(m->region[i].cells);
	}
	for (uint32_t i = 0; i < m->nr_objects; i++)
		free(m->object[i].path);
	free(m->region);
	free(m->object);
	*m = (struct map){ 0 };
}

uint64_t map_cell_first(const struct map_region *r, uint32_t cell)
{
	return (uint64_t)((unsigned __int128)map_region_pages(r) * cell / r->nr_cells);
}

uint32_t map_cell_of(const struct map_region *r, uint64_t page)
{
	uint64_t pages = map_region_pages(r);
	uint32_t cell = (uint32_t)((unsigned __int128)page * r->nr_cells / pages);

	while (map_cell_first(r, cell + 1) <= page)
		cell++;
	return cell;
}

int map_region_make_cells(struct map_region *r, uint32_t nr_regions)
{
	uint64_t max = nr_regions > MANY_REGIONS ? MAP_CELLS_MAX / 8 : MAP_CELLS_MAX;

	r->nr_cells = (uint32_t)min_t(uint64_t, map_region_pages(r), max);
	r->cells = calloc(r->nr_cells, sizeof(*r->cells));
	if (!r->cells)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->nr_cells; i++)
		r->cells[i].pages[MAP_UNTOUCHED] = (uint32_t)min_t(
			uint64_t, map_cell_first(r, i + 1) - map_cell_first(r, i), UINT32_MAX);
	return 0;
}

void map_region_mark(struct map_region *r, uint64_t first, uint64_t nr_pages, enum map_state state)
{
	uint64_t end = min_t(uint64_t, first + nr_pages, map_region_pages(r));

	while (first < end) {
		uint32_t cell = map_cell_of(r, first);
		uint64_t to = min_t(uint64_t, map_cell_first(r, cell + 1), end);
		uint32_t *pages = r->cells[cell].pages;
		uint32_t n = (uint32_t)min_t(uint64_t, to - first, pages[MAP_UNTOUCHED]);

		n = min_t(uint32_t, n, (uint32_t)min_t(uint64_t, r->pages[MAP_UNTOUCHED], n));
		pages[MAP_UNTOUCHED] -= n;
		pages[state] += n;
		r->pages[MAP_UNTOUCHED] -= n;
		r->pages[state] += n;
		first = to;
	}
}

void map_sum_add(struct map_sum *sum, const struct map_region *r)
{
	sum->nr_regions++;
	sum->bytes += map_region_bytes(r);
	for (int s = 0; s < MAP_STATES; s++)
		sum->pages[s] += r->pages[s];
	sum->locked_bytes += r->locked_bytes;
	sum->pss_bytes += r->pss_bytes;
}

void map_sum_all(const struct map *m, struct map_sum *sum)
{
	*sum = (struct map_sum){ 0 };
	for (uint32_t i = 0; i < m->nr_regions; i++)
		map_sum_add(sum, &m->region[i]);
}

void map_sum_kind(const struct map *m, enum map_kind kind, enum map_segment segment,
		  struct map_sum *sum)
{
	*sum = (struct map_sum){ 0 };
	for (uint32_t i = 0; i < m->nr_regions; i++)
		if (m->region[i].kind == kind && m->region[i].segment == segment)
			map_sum_add(sum, &m->region[i]);
}

uint64_t map_sum_bytes(const struct map_sum *sum, enum map_state state)
{
	return sum->pages[state] * PAGE_SIZE;
}

uint64_t map_sum_resident_bytes(const struct map_sum *sum)
{
	return (sum->pages[MAP_PRIVATE] + sum->pages[MAP_FORKED] + sum->pages[MAP_SHARED]) *
	       PAGE_SIZE;
}

uint64_t map_sum_swapped_bytes(const struct map_sum *sum)
{
	return map_sum_bytes(sum, MAP_SWAPPED) + map_sum_bytes(sum, MAP_KERNEL_SWAPPED);
}

uint64_t map_swapped_bytes(const struct map *m)
{
	struct map_sum sum;

	map_sum_all(m, &sum);
	return map_sum_bytes(&sum, MAP_KERNEL_SWAPPED) +
	       (m->pager == MAP_SOURCE_TOTALS ? m->pager_swapped_bytes
					      : map_sum_bytes(&sum, MAP_SWAPPED));
}

uint64_t map_standby_bytes(const struct map *m)
{
	struct map_sum sum;

	map_sum_all(m, &sum);
	return m->pager == MAP_SOURCE_TOTALS ? m->pager_standby_bytes
					     : map_sum_bytes(&sum, MAP_STANDBY);
}

uint64_t map_largest_hole(const struct map *m, uint64_t *start)
{
	uint64_t end = 0, largest = 0;

	*start = 0;
	for (uint32_t i = 0; i <= m->nr_regions; i++) {
		uint64_t next = i < m->nr_regions ? m->region[i].start : m->space_bytes;

		if (next > end && next - end > largest) {
			largest = next - end;
			*start = end;
		}
		if (i < m->nr_regions)
			end = m->region[i].end;
	}
	return largest;
}
