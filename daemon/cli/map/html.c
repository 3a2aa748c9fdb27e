// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/html.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/map/layout.h"
#include "cli/map/page.h"
#include "cli/map/save.h"
#include "cli/map/xml.h"

static json_t *words(const char *(*key)(int), const char *(*name)(int), int first, int nr)
{
	json_t *object = json_object();

	for (int i = first; i < nr; i++)
		json_object_set_new(object, key(i), json_string(name(i)));
	return object;
}

#define WORD(noun, what)                                        \
	static const char *noun##_##what(int i)                 \
	{                                                       \
		return map_##noun##_##what((enum map_##noun)i); \
	}

WORD(kind, key)
WORD(kind, name)
WORD(segment, key)
WORD(segment, name)
WORD(state, key)
WORD(state, name)

static json_t *item_object(const struct map *m, const struct map_item *item)
{
	json_t *o = json_object();
	char title[256];

	map_item_title(m, item, title, sizeof(title));
	json_object_set_new(o, "start", json_sprintf("0x%" PRIx64, item->start));
	json_object_set_new(o, "end", json_sprintf("0x%" PRIx64, item->end));
	json_object_set_new(o, "first", json_integer(item->first));
	json_object_set_new(o, "count", json_integer(item->nr_regions));
	json_object_set_new(o, "title", json_text(title));
	if (item->nr_regions)
		json_object_set_new(o, "kind", json_string(map_kind_key(item->kind)));
	if (item->for_heap)
		json_object_set_new(o, "for_heap", json_true());
	if (item->for_stack)
		json_object_set_new(o, "for_stack", json_true());
	return o;
}

static json_t *page_data(const struct map *m)
{
	json_t *root = json_object(), *items = json_array();
	struct map_layout l;

	if (map_layout_init(&l, m)) {
		json_decref(items);
		json_decref(root);
		return NULL;
	}
	for (uint32_t i = 0; i < l.nr; i++)
		json_array_append_new(items, item_object(m, &l.item[i]));
	map_layout_fini(&l);
	json_object_set_new(root, "map", map_to_json(m));
	json_object_set_new(root, "items", items);
	json_object_set_new(root, "kinds", words(kind_key, kind_name, 0, MAP_KINDS));
	json_object_set_new(root, "segments", words(segment_key, segment_name, 1, MAP_SEGMENTS));
	json_object_set_new(root, "states", words(state_key, state_name, 0, MAP_STATES));
	return root;
}

/* In an element of script nothing ends but by '<': which JSON has in strings only. */
static void put_data(FILE *f, const char *text)
{
	for (; *text; text++)
		if (*text == '<')
			fputs("\\u003c", f);
		else
			putc(*text, f);
}

/* What stands in the page's place @NAME@. */
static void put_place(FILE *f, const struct map *m, const char *name, size_t len, const char *data)
{
	if (!strncmp(name, "STYLE", len))
		fputs(map_page_style, f);
	else if (!strncmp(name, "SCRIPT", len))
		fputs(map_page_script, f);
	else if (!strncmp(name, "DATA", len))
		put_data(f, data);
	else {
		map_xml_text(f, m->comm);
		fprintf(f, " (%d) - upager map", m->pid);
	}
}

int map_html_write(FILE *f, const struct map *m)
{
	json_t *root = page_data(m);
	char *data = root ? json_dumps(root, JSON_COMPACT) : NULL;
	const char *at = map_page_frame, *place, *end;

	json_decref(root);
	if (!data)
		return -ENOMEM;
	while ((place = strchr(at, '@')) && (end = strchr(place + 1, '@'))) {
		fwrite(at, 1, (size_t)(place - at), f);
		put_place(f, m, place + 1, (size_t)(end - place - 1), data);
		at = end + 1;
	}
	fputs(at, f);
	free(data);
	return ferror(f) ? -EIO : 0;
}
