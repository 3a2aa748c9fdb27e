// SPDX-License-Identifier: GPL-2.0-only
#include "control/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"
#include "uapi/upager.h"

/* The keys that belong to a group as a whole, wherever they stand. */
static const struct known {
	const char *key;
	enum report_group group;
} known[] = {
	{ "version", REPORT_PROCESS },
	{ "pid", REPORT_PROCESS },
	{ "comm", REPORT_PROCESS },
	{ "tracked", REPORT_PROCESS },
	{ "holes_count", REPORT_HOLES },
	{ "holes_bytes", REPORT_HOLES },
	{ "largest_hole_bytes", REPORT_HOLES },
	{ "heap_hole_bytes", REPORT_HOLES },
	{ "stack_hole_bytes", REPORT_HOLES },
	{ "mapped_bytes", REPORT_HOLES },
	{ "space_bytes", REPORT_HOLES },
	{ "space_used_ppm", REPORT_HOLES },
	{ "window_bytes", REPORT_HOLES },
	{ "window_mapped_bytes", REPORT_HOLES },
	{ "window_holes_count", REPORT_HOLES },
	{ "window_holes_bytes", REPORT_HOLES },
	{ "window_used_ppm", REPORT_HOLES },
	{ "libs_count", REPORT_LIBS },
	{ "libs_mapped_bytes", REPORT_LIBS },
	{ "libs_resident_bytes", REPORT_LIBS },
	{ "libs_shared_bytes", REPORT_LIBS },
	{ "libs_private_bytes", REPORT_LIBS },
	{ "libs_proportional_bytes", REPORT_LIBS },
	{ "shared_now_pages", REPORT_COW },
	{ "maybe_shared_pages", REPORT_COW },
	{ "copies", REPORT_COW },
	{ "reuses_without_copy", REPORT_COW },
	{ "zero_first_writes", REPORT_COW },
	{ "file_first_writes", REPORT_COW },
	{ "huge_breaks", REPORT_COW },
	{ "huge_splits", REPORT_COW },
	{ "huge_split_bytes", REPORT_COW },
	{ "huge_zero_writes", REPORT_COW },
	{ "huge_zero_bytes", REPORT_COW },
	{ "hugetlb_copies", REPORT_COW },
	{ "hugetlb_bytes_copied", REPORT_COW },
	{ "forks", REPORT_COW },
	{ "page_table_bytes_copied", REPORT_COW },
	{ "bytes_copied", REPORT_COW },
	{ "children", REPORT_COW },
	{ "children_copies", REPORT_COW },
	{ "children_reuses", REPORT_COW },
	{ "children_bytes_copied", REPORT_COW },
	{ "children_lost", REPORT_COW },
	{ "probes_missed", REPORT_COW },
	{ "reported", REPORT_PAGING },
	{ "budget_bytes", REPORT_PAGING },
	{ "resident_bytes", REPORT_PAGING },
	{ "standby_bytes", REPORT_PAGING },
	{ "swapped_bytes", REPORT_PAGING },
	{ "faults", REPORT_PAGING },
	{ "evictions", REPORT_PAGING },
	{ "rescues", REPORT_PAGING },
	{ "readahead_pages", REPORT_PAGING },
	{ "readahead_hits", REPORT_PAGING },
	{ "checksum_failures", REPORT_PAGING },
	{ "io_errors", REPORT_PAGING },
	{ "reported_age_ms", REPORT_PAGING },
};

/* What an item of a group's list begins with. */
static const struct known items[] = {
	{ "hole", REPORT_HOLES },
	{ "object", REPORT_LIBS },
	{ "place", REPORT_COW },
};

/* Names: never numbers, whatever they look like. */
static const char *const names[] = { "comm",	  "hole_below",	 "hole_above",
				     "hole_role", "object_path", "place_name" };

static bool is_name(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(key, names[i]))
			return true;
	return false;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* "\012" and the like, in place; what is no escape stays as it is. */
static void unescape(char *value)
{
	char *to = value;

	for (const char *at = value; *at; to++) {
		unsigned int c;

		if (at[0] != '\\' || !is_octal(at[1]) || at[1] > '3' || !is_octal(at[2]) ||
		    !is_octal(at[3])) {
			*to = *at++;
			continue;
		}
		c = (unsigned int)(at[1] - '0') << 6 | (unsigned int)(at[2] - '0') << 3 |
		    (unsigned int)(at[3] - '0');
		if (!c) { /* no name holds a NUL */
			*to = *at++;
			continue;
		}
		*to = (char)c;
		at += 4;
	}
	*to = '\0';
}

static bool parse_number(const char *value, uint64_t *number)
{
	char *end;

	if (!*value || value[strspn(value, "0123456789")])
		return false;
	errno = 0;
	*number = strtoull(value, &end, 10);
	return !errno;
}

static int add_item(struct report *r, enum report_group group, uint32_t *item)
{
	size_t nr = r->items[group].nr, *at;

	/* Doubled whenever it is a power of two. */
	if (!(nr & (nr - 1))) {
		at = realloc(r->items[group].at, (nr ? 2 * nr : 1) * sizeof(*at));
		if (!at)
			return -ENOMEM;
		r->items[group].at = at;
	}
	r->items[group].at[nr] = r->nr_lines;
	*item = r->items[group].nr = (uint32_t)nr + 1;
	return 0;
}

/* Where a line belongs, given where the line before it did. */
static int place(struct report *r, const char *key, enum report_group *group, uint32_t *item)
{
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		if (!strcmp(key, items[i].key)) {
			*group = items[i].group;
			return add_item(r, *group, item);
		}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(key, known[i].key)) {
			*group = known[i].group;
			*item = 0;
			break;
		}
	return 0;
}

static int parse_line(struct report *r, char *text, enum report_group *group, uint32_t *item)
{
	struct report_line *line = &r->line[r->nr_lines];
	size_t key_len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
	char *value = text + key_len;
	int err;

	if (!key_len || (*value && *value != ' '))
		return -EBADMSG;
	if (*value)
		*value++ = '\0';
	err = place(r, text, group, item);
	if (err)
		return err;
	*line = (struct report_line){ .key = text, .value = value, .group = *group, .item = *item };
	line->is_number = !is_name(text) && parse_number(value, &line->number);
	if (!line->is_number)
		unescape(value);
	r->nr_lines++;
	return 0;
}

static int parse_lines(struct report *r, size_t bytes)
{
	enum report_group group = REPORT_PROCESS;
	uint32_t item = 0;
	char *end;

	for (char *text = r->text; text < r->text + bytes; text = end + 1) {
		int err;

		end = memchr(text, '\n', (size_t)(r->text + bytes - text));
		if (!end)
			return -EBADMSG; /* cut off */
		*end = '\0';
		if (strlen(text) != (size_t)(end - text))
			return -EBADMSG;
		err = parse_line(r, text, &group, &item);
		if (err)
			return err;
	}
	return 0;
}

static int check(const struct report *r)
{
	if (!r->nr_lines || strcmp(r->line[0].key, "version") || !r->line[0].is_number)
		return -EBADMSG;
	if (r->line[0].number != UPAGER_REPORT_VERSION)
		return -EPROTONOSUPPORT;
	return report_find(r, REPORT_PROCESS, 0, "pid") ? 0 : -EBADMSG;
}

int report_parse(struct report *r, const char *text, size_t bytes)
{
	char *copy = malloc(bytes + 1);
	size_t nr_lines = 0;
	int err;

	if (copy) {
		memcpy(copy, text, bytes);
		copy[bytes] = '\0';
	}
	for (size_t i = 0; i < bytes; i++)
		nr_lines += text[i] == '\n';
	*r = (struct report){ .text = copy, .line = calloc(nr_lines + 1, sizeof(*r->line)) };
	err = r->text && r->line ? parse_lines(r, bytes) : -ENOMEM;
	err = err ?: check(r);
	if (err)
		report_fini(r);
	return err;
}

void report_fini(struct report *r)
{
	for (size_t i = 0; i < REPORT_GROUPS; i++)
		free(r->items[i].at);
	free(r->line);
	free(r->text);
	memset(r, 0, sizeof(*r));
}

int report_add(struct report *r, enum report_group group, const char *const *keys, size_t nr_keys,
	       const uint64_t *values, const bool *known)
{
	size_t nr_items = r->items[group].nr, nr = 0, begun[REPORT_GROUPS] = { 0 };
	struct report_line *all = calloc(r->nr_lines + nr_items * nr_keys + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < r->nr_lines; i++) {
		struct report_line *line = &r->line[i];
		size_t item = line->item;
		bool begins = item > begun[line->group];

		if (begins) {
			begun[line->group] = item;
			r->items[line->group].at[item - 1] = nr;
		}
		all[nr++] = *line;
		for (size_t k = 0; begins && line->group == group && known[item - 1] && k < nr_keys;
		     k++)
			all[nr++] =
				(struct report_line){ .key = keys[k],
						      .value = "",
						      .group = group,
						      .item = line->item,
						      .is_number = true,
						      .number = values[(item - 1) * nr_keys + k] };
	}
	free(r->line);
	r->line = all;
	r->nr_lines = nr;
	return 0;
}

const struct report_line *report_find(const struct report *r, enum report_group group,
				      uint32_t item, const char *key)
{
	size_t i = 0;

	if (item > r->items[group].nr)
		return NULL;
	if (item)
		i = r->items[group].at[item - 1];
	for (; i < r->nr_lines; i++) {
		const struct report_line *line = &r->line[i];
		bool here = line->group == group && line->item == item;

		if (item && !here)
			break;
		if (here && !strcmp(line->key, key))
			return line;
	}
	return NULL;
}

uint64_t report_number(const struct report *r, enum report_group group, uint32_t item,
		       const char *key)
{
	const struct report_line *line = report_find(r, group, item, key);

	return line && line->is_number ? line->number : 0;
}

const char *report_text(const struct report *r, enum report_group group, uint32_t item,
			const char *key)
{
	const struct report_line *line = report_find(r, group, item, key);

	return line ? line->value : "";
}
