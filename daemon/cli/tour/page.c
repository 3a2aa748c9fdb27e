// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/page.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "cli/map/layout.h"

void tour_page_fini(struct tour_page *p)
{
	for (uint32_t i = 0; i < p->nr_items; i++)
		free(p->item[i].text);
	free(p->item);
	free(p->skipped);
}

/* Takes the text.  NULL after an error. */
static struct tour_item *add(struct tour_page *p, enum tour_kind kind, char *text)
{
	struct tour_item *items = NULL;

	if (text && !p->err)
		items = reallocarray(p->item, p->nr_items + 1, sizeof(*items));
	if (!items) {
		p->err = p->err ?: -ENOMEM;
		free(text);
		return NULL;
	}
	p->item = items;
	items += p->nr_items++;
	*items = (struct tour_item){ .kind = kind, .text = text, .bar = TOUR_NO_BAR };
	return items;
}

static char *format(const char *fmt, va_list ap)
{
	char *text;

	return vasprintf(&text, fmt, ap) < 0 ? NULL : text;
}

void tour_text(struct tour_page *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(p, TOUR_TEXT, format(fmt, ap));
	va_end(ap);
}

void tour_more(struct tour_page *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(p, TOUR_MORE, format(fmt, ap));
	va_end(ap);
}

int tour_skip(struct tour_page *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	free(p->skipped);
	p->skipped = format(fmt, ap);
	va_end(ap);
	if (!p->skipped)
		p->err = -ENOMEM;
	return 0;
}

void tour_command(struct tour_page *p, const char *line)
{
	add(p, TOUR_COMMAND, strdup(line));
}

void tour_table(struct tour_page *p, const char *label, uint32_t nr, const char *const *heading)
{
	struct tour_item *item = add(p, TOUR_TABLE, strdup(label));

	if (!item)
		return;
	item->nr = nr;
	for (uint32_t i = 0; i < nr; i++)
		item->heading[i] = heading[i];
}

void tour_row(struct tour_page *p, const char *label, uint32_t nr, const struct tour_value *value,
	      uint32_t bar)
{
	struct tour_item *item = add(p, TOUR_ROW, strdup(label));

	if (!item)
		return;
	item->nr = nr;
	item->bar = bar;
	for (uint32_t i = 0; i < nr; i++)
		item->value[i] = value[i];
}

void tour_value(struct tour_page *p, const char *name, double value, enum tour_unit unit,
		const char *label)
{
	struct tour_value v = { name, value, unit };

	tour_row(p, label, 1, &v, TOUR_NO_BAR);
}

/* The regions of a range as one piece, as map_layout_init() would have it. */
static bool find_item(const struct map *m, uint64_t start, uint64_t end, struct map_item *item)
{
	*item = (struct map_item){ .start = start, .end = end, .kind = MAP_ANONYMOUS };
	for (uint32_t i = 0; i < m->nr_regions; i++) {
		if (m->region[i].end <= start || m->region[i].start >= end)
			continue;
		if (!item->nr_regions++)
			item->first = i;
		item->kind = m->region[i].kind;
	}
	return item->nr_regions;
}

void tour_strip(struct tour_page *p, const char *label, const struct map *m, uint64_t start,
		uint64_t end)
{
	struct map_part part[TOUR_PARTS];
	struct map_item range;
	struct tour_item *item;
	double resident = 0;

	if (!find_item(m, start, end, &range))
		return;
	item = add(p, TOUR_STRIP, strdup(label));
	if (!item)
		return;
	item->strip.nr_parts = (uint32_t)min_t(uint64_t, (end - start) >> PAGE_SHIFT, TOUR_PARTS);
	map_item_parts(m, &range, part, item->strip.nr_parts);
	for (uint32_t i = 0; i < item->strip.nr_parts; i++) {
		item->strip.part[i].state = (uint8_t)map_part_state(&part[i]);
		item->strip.part[i].kind = (uint8_t)part[i].kind;
		item->strip.part[i].little = map_part_resident(&part[i]) < 0.5;
		resident += part[i].pages[MAP_PRIVATE] + part[i].pages[MAP_FORKED] +
			    part[i].pages[MAP_SHARED];
	}
	item->strip.resident_bytes = (uint64_t)(resident + 0.5) << PAGE_SHIFT;
}

const char *tour_unit_name(enum tour_unit unit)
{
	static const char *const names[] = {
		[TOUR_COUNT] = "count",	    [TOUR_FLAG] = "flag", [TOUR_BYTES] = "bytes",
		[TOUR_PAGES] = "pages",	    [TOUR_NS] = "ns",	  [TOUR_PER_S] = "per_s",
		[TOUR_PERCENT] = "percent",
	};

	return names[unit];
}

static void format_ns(double ns, char *buf, size_t len)
{
	if (ns < 10 * (double)NS_PER_US)
		snprintf(buf, len, "%.0f ns", ns);
	else if (ns < 10 * (double)NS_PER_MS)
		snprintf(buf, len, "%.0f us", ns / (double)NS_PER_US);
	else
		snprintf(buf, len, "%.0f ms", ns / (double)NS_PER_MS);
}

void tour_format(const struct tour_value *value, char *buf, size_t len)
{
	if (!value->name) {
		snprintf(buf, len, "-");
		return;
	}
	switch (value->unit) {
	case TOUR_FLAG:
		snprintf(buf, len, "%s", value->value > 0 ? "yes" : "no");
		break;
	case TOUR_BYTES:
		size_format((uint64_t)value->value, buf, len);
		break;
	case TOUR_NS:
		format_ns(value->value, buf, len);
		break;
	case TOUR_PER_S:
		snprintf(buf, len, "%.1f/s", value->value);
		break;
	case TOUR_PERCENT:
		snprintf(buf, len, "%.*f%%", value->value < 1 ? 4 : 1, value->value);
		break;
	case TOUR_COUNT:
	case TOUR_PAGES:
		snprintf(buf, len, "%.0f", value->value);
	}
}

double tour_bar_part(const struct tour_page *p, uint32_t row)
{
	uint32_t first = row, bar = p->item[row].bar;
	double most = 0;

	if (bar >= p->item[row].nr || !p->item[row].value[bar].name)
		return 0;
	while (first && p->item[first - 1].kind == TOUR_ROW)
		first--;
	for (uint32_t i = first; i < p->nr_items && p->item[i].kind == TOUR_ROW; i++)
		if (p->item[i].bar < p->item[i].nr)
			most = fmax(most, p->item[i].value[p->item[i].bar].value);
	return most > 0 ? p->item[row].value[bar].value / most : 0;
}
