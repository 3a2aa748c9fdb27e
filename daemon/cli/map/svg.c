// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/svg.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/size.h"
#include "cli/map/layout.h"
#include "cli/map/svg_head.h"
#include "cli/map/svg_text.h"
#include "cli/map/xml.h"
#include "cli/message.h"

#define ADDRESS_END   122
#define BOX_START     134
#define BOX_END	      (SVG_WIDTH - SVG_MARGIN)
#define STRIP_START   (BOX_START + 10)
#define STRIP_WIDTH   (BOX_END - STRIP_START)
#define LABEL_HEIGHT  17
#define BELOW_STRIP   7
#define HOLE_HEIGHT   20
#define HOLE_PER_LOG  2.2
#define STRIP_HEIGHT  8
#define STRIP_PER_LOG 0.9

static double item_height(const struct map_item *item)
{
	double size = map_log(item->end - item->start);

	if (!item->nr_regions)
		return HOLE_HEIGHT + HOLE_PER_LOG * size;
	return LABEL_HEIGHT + STRIP_HEIGHT + STRIP_PER_LOG * size + BELOW_STRIP;
}

/* A part in one state only, or MAP_STATES. */
static int only_state(const struct map_part *part)
{
	int only = MAP_STATES;

	for (int s = 0; s < MAP_STATES; s++) {
		if (part->pages[s] <= 0)
			continue;
		if (only != MAP_STATES)
			return MAP_STATES;
		only = s;
	}
	return only;
}

static void put_mixed(FILE *f, const struct map_part *part, double x, double y, double width,
		      double height)
{
	double all = 0, bottom = y + height;

	for (int s = 0; s < MAP_STATES; s++)
		all += part->pages[s];
	for (int s = 0; s < MAP_UNTOUCHED && all > 0; s++) {
		double h = height * part->pages[s] / all;

		if (h <= 0)
			continue;
		/* One page of many shows. */
		h = h < 1.5 ? 1.5 : h;
		bottom -= h;
		svg_state(f, part->kind, (enum map_state)s, x, bottom, width, h);
	}
}

/* Equal neighbours are one rectangle. */
static void put_strip(FILE *f, const struct map *m, const struct map_item *item, double y,
		      double height)
{
	uint64_t pages = (item->end - item->start) >> PAGE_SHIFT;
	uint32_t nr = (uint32_t)min_t(uint64_t, pages, MAP_CELLS_MAX);
	struct map_part part[MAP_CELLS_MAX];
	double width = (double)STRIP_WIDTH / nr;
	uint32_t from = 0;

	map_item_parts(m, item, part, nr);
	svg_state(f, item->kind, MAP_UNTOUCHED, STRIP_START, y, STRIP_WIDTH, height);
	for (uint32_t i = 1; i <= nr; i++) {
		int only = only_state(&part[from]);

		if (i < nr && only != MAP_STATES && only_state(&part[i]) == only &&
		    part[i].kind == part[from].kind)
			continue;
		if (only == MAP_STATES)
			put_mixed(f, &part[from], STRIP_START + from * width, y, width, height);
		else if (only != MAP_UNTOUCHED)
			svg_state(f, part[from].kind, (enum map_state)only,
				  STRIP_START + from * width, y, (i - from) * width, height);
		from = i;
	}
}

static void put_mapped(FILE *f, const struct map *m, const struct map_item *item, double y,
		       double height)
{
	char title[256], note[128], numbers[256], size[SIZE_TEXT_BYTES], resident[SIZE_TEXT_BYTES];
	struct map_sum sum;

	map_item_title(m, item, title, sizeof(title));
	map_item_note(m, item, note, sizeof(note));
	map_item_sum(m, item, &sum);
	size_format(sum.bytes, size, sizeof(size));
	size_format(map_sum_resident_bytes(&sum), resident, sizeof(resident));
	snprintf(numbers, sizeof(numbers), "%s, %s resident%s%s", size, resident,
		 note[0] ? ", " : "", note);
	svg_kind(f, item->kind, BOX_START, y, 4, height - 3);
	svg_text(f, SVG_TITLE, STRIP_START, y + 12, 62, title);
	svg_text(f, SVG_SOFT_RIGHT, BOX_END, y + 12, 60, numbers);
	put_strip(f, m, item, y + LABEL_HEIGHT, height - LABEL_HEIGHT - BELOW_STRIP);
}

static void put_hole(FILE *f, const struct map *m, const struct map_item *item, double y,
		     double height)
{
	char note[128], text[256], size[SIZE_TEXT_BYTES];

	map_item_note(m, item, note, sizeof(note));
	size_format(item->end - item->start, size, sizeof(size));
	snprintf(text, sizeof(text), "%s free%s%s", size, note[0] ? ": " : "", note);
	fprintf(f, "<path class=\"hole\" d=\"M%d %.1fv%.1f\"/>\n", BOX_START + 2, y + 2,
		height - 6);
	svg_text(f, SVG_SOFT, STRIP_START, y + height / 2 + 3, 90, text);
}

static void put_item(FILE *f, const struct map *m, const struct map_item *item, double y)
{
	double height = item_height(item);
	char address[24];

	snprintf(address, sizeof(address), "%" PRIx64, item->start);
	if (item->nr_regions)
		put_mapped(f, m, item, y, height);
	else
		put_hole(f, m, item, y, height);
	svg_text(f, SVG_ADDRESS, ADDRESS_END, y + height - 5, 20, address);
}

int map_svg_write(FILE *f, const struct map *m)
{
	double y = svg_head_height(m), height = y;
	struct map_layout l;
	int err = map_layout_init(&l, m);

	if (err)
		return err;
	for (uint32_t i = 0; i < l.nr; i++)
		height += item_height(&l.item[i]);
	svg_begin(f, height + SVG_MARGIN);
	svg_head(f, m);
	for (uint32_t i = 0; i < l.nr; i++) {
		put_item(f, m, &l.item[i], y);
		y += item_height(&l.item[i]);
	}
	fputs("</svg>\n", f);
	map_layout_fini(&l);
	return ferror(f) ? -EIO : 0;
}
