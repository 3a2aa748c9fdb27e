// SPDX-License-Identifier: GPL-2.0-only
#include "cli/stat_table.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/types.h"
#include "cli/message.h"

#define HOLES_SHOWN 10u

enum cell {
	CELL_COUNT,
	CELL_BYTES,
	CELL_NAME,
	CELL_RANGE, /* key is the start; the end's is beside it */
};

struct column {
	const char *title;
	const char *key;
	enum cell cell;
	const char *end_key; /* CELL_RANGE */
};

static const struct column hole_columns[] = {
	{ "HOLE", "hole", CELL_COUNT, NULL },
	{ "SIZE", "hole_bytes", CELL_BYTES, NULL },
	{ "ADDRESSES", "hole_start", CELL_RANGE, "hole_end" },
	{ "BELOW IT", "hole_below", CELL_NAME, NULL },
	{ "ABOVE IT", "hole_above", CELL_NAME, NULL },
	{ "FOR", "hole_role", CELL_NAME, NULL },
};

static const struct column object_columns[] = {
	{ "OBJECT", "object", CELL_COUNT, NULL },
	{ "TEXT", "text_bytes", CELL_BYTES, NULL },
	{ "RODATA", "rodata_bytes", CELL_BYTES, NULL },
	{ "RELRO", "relro_bytes", CELL_BYTES, NULL },
	{ "DATA", "data_bytes", CELL_BYTES, NULL },
	{ "BSS", "bss_bytes", CELL_BYTES, NULL },
	{ "RESIDENT", "object_resident_bytes", CELL_BYTES, NULL },
	{ "SHARED", "object_shared_bytes", CELL_BYTES, NULL },
	{ "PRIVATE", "object_private_bytes", CELL_BYTES, NULL },
	{ "USERS", "object_processes", CELL_COUNT, NULL },
	{ "PATH", "object_path", CELL_NAME, NULL },
};

static const struct column place_columns[] = {
	{ "PLACE", "place", CELL_COUNT, NULL },
	{ "COPIES", "place_copies", CELL_COUNT, NULL },
	{ "COPIED", "place_bytes", CELL_BYTES, NULL },
	{ "FIRST SEEN AT", "place_start", CELL_NAME, NULL },
	{ "IN", "place_name", CELL_NAME, NULL },
};

static int set_name(struct libscols_line *line, size_t column, const char *name)
{
	char *clean = strdup(name);
	int err;

	if (!clean)
		return -ENOMEM;
	message_clean(clean);
	err = scols_line_set_data(line, column, clean);
	free(clean);
	return err;
}

static int set_cell(struct libscols_line *line, size_t column, const struct column *c,
		    const struct report *r, enum report_group group, uint32_t item)
{
	char text[64];

	/* A file that could not be read, or that too many map. */
	if (!report_find(r, group, item, c->key) && c->cell != CELL_NAME)
		return scols_line_set_data(line, column, "-");
	switch (c->cell) {
	case CELL_NAME:
		return set_name(line, column, report_text(r, group, item, c->key));
	case CELL_RANGE:
		snprintf(text, sizeof(text), "%s-%s", report_text(r, group, item, c->key),
			 report_text(r, group, item, c->end_key));
		break;
	case CELL_COUNT:
		snprintf(text, sizeof(text), "%" PRIu64, report_number(r, group, item, c->key));
		break;
	case CELL_BYTES:
		size_format(report_number(r, group, item, c->key), text, sizeof(text));
		break;
	}
	return scols_line_set_data(line, column, text);
}

/* items: which of the list, in this order. */
static int print_table(const struct column *columns, size_t nr_columns, const struct report *r,
		       enum report_group group, const uint32_t *items, size_t nr_items)
{
	struct libscols_table *table = scols_new_table();
	int err = table ? 0 : -ENOMEM;

	for (size_t i = 0; i < nr_columns && !err; i++) {
		bool right = columns[i].cell == CELL_COUNT || columns[i].cell == CELL_BYTES;

		if (!scols_table_new_column(table, columns[i].title, 0, right ? SCOLS_FL_RIGHT : 0))
			err = -ENOMEM;
	}
	for (size_t n = 0; n < nr_items && !err; n++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		err = line ? 0 : -ENOMEM;
		for (size_t i = 0; i < nr_columns && !err; i++)
			err = set_cell(line, i, &columns[i], r, group, items[n]);
	}
	if (!err)
		err = scols_print_table(table);
	scols_unref_table(table);
	return err;
}

/* The largest first, of equal ones the lower; as many as there is room for. */
static uint32_t largest_holes(const struct report *r, uint32_t items[HOLES_SHOWN])
{
	uint64_t bytes[HOLES_SHOWN];
	uint32_t nr = 0;

	for (uint32_t item = 1; item <= r->items[REPORT_HOLES].nr; item++) {
		uint64_t b = report_number(r, REPORT_HOLES, item, "hole_bytes");
		uint32_t at = nr;

		while (at && bytes[at - 1] < b)
			at--;
		if (at == HOLES_SHOWN)
			continue;
		nr = min_t(uint32_t, nr + 1, HOLES_SHOWN);
		for (uint32_t i = nr - 1; i > at; i--) {
			bytes[i] = bytes[i - 1];
			items[i] = items[i - 1];
		}
		bytes[at] = b;
		items[at] = item;
	}
	return nr;
}

int stat_table_holes(const struct report *report)
{
	uint32_t items[HOLES_SHOWN], nr = largest_holes(report, items);
	uint32_t all = report->items[REPORT_HOLES].nr;
	int err;

	if (!nr)
		return 0;
	printf("\n");
	err = print_table(hole_columns, ARRAY_SIZE(hole_columns), report, REPORT_HOLES, items, nr);
	if (nr < all)
		printf("the %u largest of %u; --json has all\n", nr, all);
	return err;
}

/* All of a group's list. */
static int print_list(const struct column *columns, size_t nr_columns, const struct report *r,
		      enum report_group group)
{
	uint32_t nr = r->items[group].nr;
	uint32_t *items;
	int err;

	if (!nr)
		return 0;
	items = calloc(nr, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (uint32_t i = 0; i < nr; i++)
		items[i] = i + 1;
	printf("\n");
	err = print_table(columns, nr_columns, r, group, items, nr);
	free(items);
	return err;
}

int stat_table_objects(const struct report *report)
{
	return print_list(object_columns, ARRAY_SIZE(object_columns), report, REPORT_LIBS);
}

int stat_table_places(const struct report *report)
{
	return print_list(place_columns, ARRAY_SIZE(place_columns), report, REPORT_COW);
}
