// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/svg_head.h"

#include <string.h>

#include "base/size.h"
#include "cli/map/bars.h"
#include "cli/map/svg_text.h"
#include "cli/message.h"

#define BARS_TOP    84
#define BAR_HEIGHT  16
#define BAR_STEP    24
#define BAR_START   164
#define BAR_WIDTH   (SVG_WIDTH - SVG_MARGIN - BAR_START)
#define TYPES_TOP   (BARS_TOP + MAP_BARS * BAR_STEP + 22)
#define LINE_HEIGHT 18
#define HALF	    (SVG_WIDTH / 2)
#define THIRD	    ((SVG_WIDTH - SVG_MARGIN) / 3)
/* Where the sizes of a type end. */
#define RESERVED    242
#define RESIDENT    332
#define SWAPPED	    422

static void put_bar(FILE *f, const struct map *m, enum map_bar bar, const struct map_bars *bars,
		    double y)
{
	double x = BAR_START;
	char size[SIZE_TEXT_BYTES];

	size_format(bars->bytes[bar], size, sizeof(size));
	svg_text(f, SVG_SOFT, SVG_MARGIN, y + 12, 20, map_bar_name(bar));
	svg_text(f, SVG_RIGHT, BAR_START - 12, y + 12, 20, size);
	fprintf(f, "<rect class=\"track\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\"/>\n",
		BAR_START, y, BAR_WIDTH, BAR_HEIGHT);
	for (int kind = 0; kind < MAP_KINDS && bars->scale[bar]; kind++) {
		double width = (double)BAR_WIDTH *
			       (double)map_bar_part(m, bar, (enum map_kind)kind) /
			       (double)bars->scale[bar];

		if (width <= 0)
			continue;
		svg_kind(f, (enum map_kind)kind, x, y, width, BAR_HEIGHT);
		x += width;
	}
}

static void put_size(FILE *f, enum svg_style style, double x, double y, uint64_t bytes)
{
	char size[SIZE_TEXT_BYTES] = "-";

	if (bytes)
		size_format(bytes, size, sizeof(size));
	svg_text(f, style, x, y, 20, size);
}

/* A type: its colour, its name, and sizes at fixed places. */
static void put_type(FILE *f, const struct map_sum *sum, enum map_kind kind,
		     enum map_segment segment, double x, double y)
{
	char label[64];

	map_label(kind, segment, label, sizeof(label));
	svg_kind(f, kind, x, y - 9, 10, 10);
	svg_text(f, SVG_SOFT, x + 18, y, 30, label);
	put_size(f, SVG_RIGHT, x + RESERVED, y, sum->bytes);
	put_size(f, SVG_SOFT_RIGHT, x + RESIDENT, y, map_sum_resident_bytes(sum));
	put_size(f, SVG_SOFT_RIGHT, x + SWAPPED, y, map_sum_swapped_bytes(sum));
}

static uint32_t nr_types(const struct map *m)
{
	struct map_sum sum;
	uint32_t nr = 0;

	for (int kind = 0; kind < MAP_KINDS; kind++)
		for (int segment = 0; segment < MAP_SEGMENTS; segment++) {
			map_sum_kind(m, (enum map_kind)kind, (enum map_segment)segment, &sum);
			nr += sum.nr_regions > 0;
		}
	return nr;
}

static uint32_t nr_states(const struct map_sum *all)
{
	uint32_t nr = 0;

	for (int s = 0; s < MAP_STATES; s++)
		nr += all->pages[s] > 0;
	return nr;
}

/* Two columns, down the left one first. */
static void put_types(FILE *f, const struct map *m, uint32_t y)
{
	uint32_t rows = (nr_types(m) + 1) / 2, x = SVG_MARGIN, row = 0;
	struct map_sum sum;

	for (int kind = 0; kind < MAP_KINDS; kind++)
		for (int segment = 0; segment < MAP_SEGMENTS; segment++) {
			map_sum_kind(m, (enum map_kind)kind, (enum map_segment)segment, &sum);
			if (!sum.nr_regions)
				continue;
			if (row == rows) {
				row = 0;
				x += HALF;
			}
			if (!row) {
				svg_text(f, SVG_SOFT_RIGHT, x + RESERVED, y, 20, "reserved");
				svg_text(f, SVG_SOFT_RIGHT, x + RESIDENT, y, 20, "resident");
				svg_text(f, SVG_SOFT_RIGHT, x + SWAPPED, y, 20, "swapped");
			}
			put_type(f, &sum, (enum map_kind)kind, (enum map_segment)segment, x,
				 y + ++row * LINE_HEIGHT);
		}
}

static void put_states(FILE *f, const struct map_sum *all, uint32_t y)
{
	uint32_t column = 0;

	for (int s = 0; s < MAP_STATES; s++) {
		uint32_t x = SVG_MARGIN + column * THIRD;

		if (!all->pages[s])
			continue;
		svg_state(f, MAP_LIBRARY, (enum map_state)s, x, y - 10, 24, 12);
		svg_text(f, SVG_SOFT, x + 32, y, 40, map_state_name((enum map_state)s));
		column = (column + 1) % 3;
		y += column ? 0 : LINE_HEIGHT;
	}
}

static uint32_t states_top(const struct map *m)
{
	return TYPES_TOP + (2 + (nr_types(m) + 1) / 2) * LINE_HEIGHT;
}

uint32_t svg_head_height(const struct map *m)
{
	struct map_sum all;

	map_sum_all(m, &all);
	return states_top(m) + (1 + (nr_states(&all) + 2) / 3) * LINE_HEIGHT;
}

void svg_head(FILE *f, const struct map *m)
{
	char comm[sizeof(m->comm)], text[128], hole[SIZE_TEXT_BYTES];
	struct map_bars bars;
	struct map_sum all;
	uint64_t start;

	map_sum_all(m, &all);
	map_bars_find(m, &bars);
	snprintf(comm, sizeof(comm), "%s", m->comm);
	message_clean(comm);
	snprintf(text, sizeof(text), "%s (%d)", comm, m->pid);
	svg_text(f, SVG_NAME, SVG_MARGIN, 40, 60, text);
	size_format(map_largest_hole(m, &start), hole, sizeof(hole));
	snprintf(text, sizeof(text), "%u mapping%s, largest free block %s%s", m->nr_regions,
		 m->nr_regions == 1 ? "" : "s", hole,
		 bars.one_scale ? "" : "; each bar to a scale of its own");
	svg_text(f, SVG_SOFT, SVG_MARGIN, 62, 120, text);
	for (int bar = 0; bar < MAP_BARS; bar++)
		put_bar(f, m, (enum map_bar)bar, &bars, BARS_TOP + bar * BAR_STEP);
	put_types(f, m, TYPES_TOP);
	put_states(f, &all, states_top(m));
}
