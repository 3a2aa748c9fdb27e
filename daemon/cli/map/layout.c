// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/layout.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "cli/message.h"

double map_log(uint64_t bytes)
{
	return bytes > PAGE_SIZE ? log2((double)bytes / (double)PAGE_SIZE) : 0;
}

/* The kernel did not merge them, as some of it is registered and some not: to look at it is one. */
static bool is_alike(const struct map_region *a, const struct map_region *b)
{
	return a->kind == b->kind && a->object == MAP_NO_OBJECT && b->object == MAP_NO_OBJECT &&
	       !strcmp(a->perms, b->perms) && !strcmp(a->name, b->name) && a->inode == b->inode &&
	       a->locked == b->locked;
}

/* Whether region i is drawn in one piece with the one below it. */
static bool continues(const struct map *m, uint32_t i)
{
	const struct map_region *r = &m->region[i], *below = &m->region[i - 1];

	if (below->end != r->start)
		return false;
	if (r->kind == MAP_PAGER || below->kind == MAP_PAGER)
		return r->kind == below->kind;
	return (r->object != MAP_NO_OBJECT && r->object == below->object) || is_alike(r, below);
}

static enum map_kind kind_of(const struct map *m, uint32_t first, uint32_t nr)
{
	uint32_t largest = first;

	for (uint32_t i = first; i < first + nr; i++)
		if (m->region[i].kind != MAP_GUARD &&
		    (m->region[largest].kind == MAP_GUARD ||
		     map_region_bytes(&m->region[i]) > map_region_bytes(&m->region[largest])))
			largest = i;
	return m->region[largest].kind;
}

static void add_hole(struct map_layout *l, const struct map *m, uint64_t start, uint64_t end,
		     uint32_t above)
{
	if (start >= end)
		return;
	l->item[l->nr++] = (struct map_item){
		.start = start,
		.end = end,
		.for_heap = m->brk >= start && m->brk < end && m->brk,
		.for_stack = above < m->nr_regions && m->region[above].kind == MAP_STACK &&
			     !strcmp(m->region[above].name, "[stack]"),
	};
}

int map_layout_init(struct map_layout *l, const struct map *m)
{
	uint64_t end = m->space_bytes;
	uint32_t i = m->nr_regions, first;

	l->nr = 0;
	l->item = calloc(2 * (size_t)m->nr_regions + 1, sizeof(*l->item));
	if (!l->item)
		return -ENOMEM;
	while (i) {
		first = i - 1;
		while (first && continues(m, first))
			first--;
		add_hole(l, m, m->region[i - 1].end, end, i);
		l->item[l->nr++] = (struct map_item){
			.start = m->region[first].start,
			.end = m->region[i - 1].end,
			.first = first,
			.nr_regions = i - first,
			.kind = kind_of(m, first, i - first),
		};
		end = m->region[first].start;
		i = first;
	}
	add_hole(l, m, 0, end, 0);
	return 0;
}

void map_layout_fini(struct map_layout *l)
{
	free(l->item);
	*l = (struct map_layout){ 0 };
}

uint32_t map_item_length(const struct map *m, const struct map_item *item, uint32_t max)
{
	double largest = 0;
	uint64_t pages = (item->end - item->start) >> PAGE_SHIFT;
	uint32_t length;

	for (uint32_t i = 0; i < m->nr_regions; i++)
		largest = fmax(largest, map_log(map_region_bytes(&m->region[i])));
	largest = fmax(largest, map_log(item->end - item->start));
	length = largest > 0
			 ? 1 + (uint32_t)((max - 1) * map_log(item->end - item->start) / largest +
					  0.5)
			 : 1;
	return (uint32_t)min_t(uint64_t, min_t(uint32_t, length, max), pages);
}

/* Adds pages [from, to) of a region, by its cells as far as they tell. */
static void add_pages(const struct map_region *r, double from, double to, double pages[MAP_STATES])
{
	uint32_t cell;

	if (!r->nr_cells) {
		double part = (to - from) / (double)map_region_pages(r);

		for (int s = 0; s < MAP_STATES; s++)
			pages[s] += part * (double)r->pages[s];
		return;
	}
	cell = map_cell_of(r, (uint64_t)from);
	for (; cell < r->nr_cells; cell++) {
		double first = (double)map_cell_first(r, cell);
		double end = (double)map_cell_first(r, cell + 1);
		double overlap = fmin(to, end) - fmax(from, first);

		if (overlap <= 0)
			break;
		for (int s = 0; s < MAP_STATES; s++)
			pages[s] += overlap / (end - first) * r->cells[cell].pages[s];
	}
}

static void add_part(const struct map *m, const struct map_item *item, double from, double to,
		     struct map_part *part)
{
	double most = 0;

	for (uint32_t i = item->first; i < item->first + item->nr_regions; i++) {
		const struct map_region *r = &m->region[i];
		double base = (double)((r->start - item->start) >> PAGE_SHIFT);
		double first = fmax(from, base);
		double end = fmin(to, base + (double)map_region_pages(r));

		if (end <= first)
			continue;
		add_pages(r, first - base, end - base, part->pages);
		if (end - first > most) {
			most = end - first;
			part->kind = r->kind;
			part->segment = r->segment;
		}
	}
}

void map_item_parts(const struct map *m, const struct map_item *item, struct map_part *part,
		    uint32_t nr)
{
	double pages = (double)((item->end - item->start) >> PAGE_SHIFT);

	for (uint32_t i = 0; i < nr; i++) {
		part[i] = (struct map_part){ .kind = item->kind };
		add_part(m, item, pages * i / nr, pages * (i + 1) / nr, &part[i]);
	}
}

enum map_state map_part_state(const struct map_part *part)
{
	enum map_state most = MAP_UNTOUCHED;

	for (int s = 0; s < MAP_UNTOUCHED; s++)
		if (part->pages[s] > 0 &&
		    (most == MAP_UNTOUCHED || part->pages[s] > part->pages[most]))
			most = (enum map_state)s;
	return most;
}

double map_part_resident(const struct map_part *part)
{
	double all = 0;

	for (int s = 0; s < MAP_STATES; s++)
		all += part->pages[s];
	return all > 0 ? (part->pages[MAP_PRIVATE] + part->pages[MAP_FORKED] +
			  part->pages[MAP_SHARED]) /
				 all
		       : 0;
}

void map_item_sum(const struct map *m, const struct map_item *item, struct map_sum *sum)
{
	*sum = (struct map_sum){ 0 };
	for (uint32_t i = item->first; i < item->first + item->nr_regions; i++)
		map_sum_add(sum, &m->region[i]);
}

void map_item_title(const struct map *m, const struct map_item *item, char *buf, size_t len)
{
	const struct map_region *r = &m->region[item->first];

	if (!item->nr_regions)
		snprintf(buf, len, "free");
	else if (item->kind == MAP_PAGER)
		snprintf(buf, len, "%s", map_kind_name(MAP_PAGER));
	else
		snprintf(buf, len, "%s", map_region_title(m, r));
	message_clean(buf);
}

void map_item_note(const struct map *m, const struct map_item *item, char *buf, size_t len)
{
	const struct map_region *r = &m->region[item->first];
	char size[SIZE_TEXT_BYTES];
	struct map_sum sum;
	uint64_t out;

	buf[0] = '\0';
	if (!item->nr_regions) {
		snprintf(buf, len, "%s%s%s", item->for_stack ? "the stack grows down into it" : "",
			 item->for_stack && item->for_heap ? ", " : "",
			 item->for_heap ? "the heap grows up into it" : "");
		return;
	}
	map_item_sum(m, item, &sum);
	out = sum.pages[MAP_STANDBY] + sum.pages[MAP_SWAPPED] + sum.pages[MAP_KERNEL_SWAPPED];
	if (out) {
		size_format(out * PAGE_SIZE, size, sizeof(size));
		snprintf(buf, len, "%s out", size);
	}
	if (r->object != MAP_NO_OBJECT && m->object[r->object].processes)
		snprintf(buf + strlen(buf), len - strlen(buf), "%s%u process%s", out ? ", " : "",
			 m->object[r->object].processes,
			 m->object[r->object].processes == 1 ? "" : "es");
	if (sum.locked_bytes)
		snprintf(buf + strlen(buf), len - strlen(buf), "%slocked", buf[0] ? ", " : "");
}
