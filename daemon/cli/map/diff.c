// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/diff.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "cli/json.h"
#include "cli/message.h"

/* What is compared of a region, in bytes. */
enum figure {
	FIGURE_RESERVED,
	FIGURE_RESIDENT,
	FIGURE_FORKED,
	FIGURE_STANDBY,
	FIGURE_SWAPPED,
	FIGURES,
};

static const struct {
	const char *title;
	const char *key;
} figures[FIGURES] = {
	[FIGURE_RESERVED] = { "RESERVED", "reserved_bytes" },
	[FIGURE_RESIDENT] = { "RESIDENT", "resident_bytes" },
	[FIGURE_FORKED] = { "FORKED", "forked_bytes" },
	[FIGURE_STANDBY] = { "STANDBY", "standby_bytes" },
	[FIGURE_SWAPPED] = { "SWAPPED", "swapped_bytes" },
};

struct change {
	const struct map_region *before; /* NULL: it is new */
	const struct map_region *after; /* NULL: it is gone */
	int64_t by[FIGURES];
};

struct changes {
	struct change *at;
	uint32_t nr;
	int64_t by[FIGURES];
};

static void add_figures(int64_t by[FIGURES], const struct map_region *r, int sign)
{
	struct map_sum sum = { 0 };

	if (!r)
		return;
	map_sum_add(&sum, r);
	by[FIGURE_RESERVED] += sign * (int64_t)sum.bytes;
	by[FIGURE_RESIDENT] += sign * (int64_t)map_sum_resident_bytes(&sum);
	by[FIGURE_FORKED] += sign * (int64_t)map_sum_bytes(&sum, MAP_FORKED);
	by[FIGURE_STANDBY] += sign * (int64_t)map_sum_bytes(&sum, MAP_STANDBY);
	by[FIGURE_SWAPPED] += sign * (int64_t)(map_sum_bytes(&sum, MAP_SWAPPED) +
					       map_sum_bytes(&sum, MAP_KERNEL_SWAPPED));
}

static void note(struct changes *c, const struct map_region *before, const struct map_region *after)
{
	struct change *change = &c->at[c->nr];
	bool differs = !before || !after || before->start != after->start ||
		       strcmp(before->perms, after->perms) != 0;

	*change = (struct change){ before, after, { 0 } };
	add_figures(change->by, before, -1);
	add_figures(change->by, after, 1);
	for (int i = 0; i < FIGURES; i++) {
		c->by[i] += change->by[i];
		differs |= change->by[i] != 0;
	}
	c->nr += differs;
}

/* The same one: it begins or ends where it did, and is called so.  A heap grows up, a stack down. */
static bool is_same(const struct map_region *a, const struct map_region *b)
{
	return (a->start == b->start || a->end == b->end) && !strcmp(a->name, b->name);
}

static int compare(struct changes *c, const struct map *before, const struct map *after)
{
	uint32_t i = 0, k = 0;

	*c = (struct changes){ 0 };
	c->at = calloc((size_t)before->nr_regions + after->nr_regions + 1, sizeof(*c->at));
	if (!c->at)
		return -ENOMEM;
	while (i < before->nr_regions || k < after->nr_regions) {
		const struct map_region *a = i < before->nr_regions ? &before->region[i] : NULL;
		const struct map_region *b = k < after->nr_regions ? &after->region[k] : NULL;

		if (a && b && is_same(a, b)) {
			note(c, a, b);
			i++;
			k++;
		} else if (!b || (a && a->end <= b->end)) {
			note(c, a, NULL);
			i++;
		} else {
			note(c, NULL, b);
			k++;
		}
	}
	return 0;
}

static const char *what(const struct change *c)
{
	if (!c->before)
		return "new";
	return c->after ? "changed" : "gone";
}

static void format_by(int64_t by, char *buf, size_t len)
{
	char size[SIZE_TEXT_BYTES];

	size_format((uint64_t)(by < 0 ? -by : by), size, sizeof(size));
	snprintf(buf, len, "%s%s", !by ? "" : by < 0 ? "-" : "+", by ? size : "-");
}

static int add_line(struct libscols_table *table, const char *address, const char *name,
		    const char *verdict, const int64_t by[FIGURES])
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char text[SIZE_TEXT_BYTES + 2], *clean = strdup(name);
	int err = line && clean ? 0 : -ENOMEM;

	if (clean)
		message_clean(clean);
	err = err ?: scols_line_set_data(line, 0, address);
	err = err ?: scols_line_set_data(line, 1, verdict);
	for (size_t i = 0; i < FIGURES && !err; i++) {
		format_by(by[i], text, sizeof(text));
		err = scols_line_set_data(line, 2 + i, text);
	}
	err = err ?: scols_line_set_data(line, 2 + FIGURES, clean);
	free(clean);
	return err;
}

static int fill(struct libscols_table *table, const struct changes *c, const struct map *before,
		const struct map *after)
{
	int err = 0;

	for (uint32_t n = c->nr; n-- && !err;) {
		const struct change *change = &c->at[n];
		const struct map_region *r = change->after ?: change->before;
		char address[24];

		snprintf(address, sizeof(address), "%" PRIx64, r->start);
		err = add_line(table, address, map_region_title(change->after ? after : before, r),
			       what(change), change->by);
	}
	return err ?: add_line(table, "", "all", "", c->by);
}

int map_diff_print(const struct map *before, const struct map *after)
{
	struct libscols_table *table = scols_new_table();
	struct changes c = { 0 };
	int err = table ? compare(&c, before, after) : -ENOMEM;

	if (!err && (!scols_table_new_column(table, "ADDRESS", 0, SCOLS_FL_RIGHT) ||
		     !scols_table_new_column(table, "IS", 0, 0)))
		err = -ENOMEM;
	for (size_t i = 0; i < FIGURES && !err; i++)
		if (!scols_table_new_column(table, figures[i].title, 0, SCOLS_FL_RIGHT))
			err = -ENOMEM;
	if (!err && !scols_table_new_column(table, "WHAT", 0, 0))
		err = -ENOMEM;
	err = err ?: fill(table, &c, before, after);
	if (!err && !c.nr)
		puts("nothing is different");
	else if (!err)
		err = scols_print_table(table);
	scols_unref_table(table);
	free(c.at);
	return err;
}

void map_diff_line(const struct map *before, const struct map *after, bool narrow)
{
	struct changes c;
	char by[FIGURES][SIZE_TEXT_BYTES + 2];

	if (compare(&c, before, after))
		return;
	for (int i = 0; i < FIGURES; i++)
		format_by(c.by[i], by[i], sizeof(by[i]));
	if (!c.nr)
		printf("%snothing is different\n", narrow ? "" : "since the last picture: ");
	else if (narrow)
		printf("%u regions differ, resident %s\n", c.nr, by[FIGURE_RESIDENT]);
	else
		printf("since the last picture: %u regions differ, reserved %s, resident %s, "
		       "swapped %s\n",
		       c.nr, by[FIGURE_RESERVED], by[FIGURE_RESIDENT], by[FIGURE_SWAPPED]);
	free(c.at);
}

static void set_figures(json_t *o, const int64_t by[FIGURES])
{
	for (int i = 0; i < FIGURES; i++)
		json_object_set_new(o, figures[i].key, json_integer(by[i]));
}

int map_diff_json(const struct map *before, const struct map *after)
{
	json_t *root = json_object(), *list = json_array(), *all = json_object();
	struct changes c;
	int err = compare(&c, before, after);

	for (uint32_t n = 0; !err && n < c.nr; n++) {
		const struct change *change = &c.at[n];
		const struct map_region *r = change->after ?: change->before;
		json_t *o = json_object();

		json_object_set_new(o, "start", json_sprintf("0x%" PRIx64, r->start));
		json_object_set_new(o, "end", json_sprintf("0x%" PRIx64, r->end));
		json_object_set_new(o, "is", json_string(what(change)));
		json_object_set_new(o, "kind", json_string(map_kind_key(r->kind)));
		json_object_set_new(o, "name", json_text(r->name));
		set_figures(o, change->by);
		json_array_append_new(list, o);
	}
	if (!err)
		set_figures(all, c.by);
	json_object_set_new(root, "all", all);
	json_object_set_new(root, "changes", list);
	free(c.at);
	if (!err)
		return json_print(root);
	json_decref(root);
	return err;
}
