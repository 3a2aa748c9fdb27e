// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/map/save.h"
#include "cli/message.h"
#include "uapi/upager_proto.h"

/* Of an object that is checked member by member; what is wrong stays wrong. */
struct source {
	const json_t *object;
	bool wrong;
};

static uint64_t get_count(struct source *s, const char *key, bool needed)
{
	const json_t *value = json_object_get(s->object, key);
	json_int_t number = json_integer_value(value);

	if ((needed && !json_is_integer(value)) || (value && !json_is_integer(value)) || number < 0)
		s->wrong = true;
	return s->wrong ? 0 : (uint64_t)number;
}

static uint32_t get_small(struct source *s, const char *key, bool needed)
{
	uint64_t number = get_count(s, key, needed);

	if (number > INT32_MAX)
		s->wrong = true;
	return s->wrong ? 0 : (uint32_t)number;
}

static const char *get_text(struct source *s, const char *key, bool needed)
{
	const json_t *value = json_object_get(s->object, key);

	if (needed && !json_is_string(value))
		s->wrong = true;
	return json_is_string(value) ? json_string_value(value) : "";
}

static uint64_t get_address(struct source *s, const char *key)
{
	const char *text = get_text(s, key, true);
	uint64_t value = 0;
	int end = 0;

	if (sscanf(text, "0x%" SCNx64 "%n", &value, &end) != 1 || text[end] || value & ~PAGE_MASK)
		s->wrong = true;
	return value;
}

static void get_device(struct source *s, uint32_t *major, uint32_t *minor)
{
	const char *text = get_text(s, "device", false);

	if (*text && sscanf(text, "%" SCNx32 ":%" SCNx32, major, minor) != 2)
		s->wrong = true;
}

static int get_word(struct source *s, const char *key, const char *(*name)(int), int nr)
{
	const char *text = get_text(s, key, false);

	for (int i = 0; i < nr; i++)
		if (!strcmp(text, name(i)))
			return i;
	s->wrong = true;
	return 0;
}

static const char *kind_key(int i)
{
	return map_kind_key((enum map_kind)i);
}

static const char *segment_key(int i)
{
	return map_segment_key((enum map_segment)i);
}

static void get_pages(struct source *s, struct map_region *r)
{
	struct source pages = { json_object_get(s->object, "pages"), false };
	uint64_t sum = 0;

	for (int i = 0; i < MAP_STATES; i++) {
		r->pages[i] = get_count(&pages, map_state_key((enum map_state)i), false);
		if (r->pages[i] > map_region_pages(r))
			pages.wrong = true;
		sum += pages.wrong ? 0 : r->pages[i];
	}
	s->wrong |= pages.wrong || sum != map_region_pages(r);
}

static bool get_cell_list(const json_t *list, struct map_region *r, int state)
{
	if (json_array_size(list) != r->nr_cells)
		return false;
	for (uint32_t i = 0; i < r->nr_cells; i++) {
		json_int_t pages = json_integer_value(json_array_get(list, i));
		uint64_t room = map_cell_first(r, i + 1) - map_cell_first(r, i);

		if (pages < 0 || (uint64_t)pages > room || pages > UINT32_MAX)
			return false;
		r->cells[i].pages[state] = (uint32_t)pages;
	}
	return true;
}

/* One cell needs no list: it is the sums. */
static void get_cells(struct source *s, struct map_region *r)
{
	const json_t *cells = json_object_get(s->object, "cells");
	struct source source = { cells, false };
	uint32_t nr = cells ? get_small(&source, "count", true) : 0;

	if (!cells)
		return;
	if (source.wrong || !nr || nr > MAP_CELLS_MAX || nr > map_region_pages(r)) {
		s->wrong = true;
		return;
	}
	r->cells = calloc(nr, sizeof(*r->cells));
	r->nr_cells = r->cells ? nr : 0;
	for (int state = 0; state < MAP_STATES; state++) {
		const json_t *list = json_object_get(cells, map_state_key((enum map_state)state));

		if (r->cells && list && !get_cell_list(list, r, state))
			s->wrong = true;
	}
}

static bool load_region(const json_t *object, struct map *m)
{
	struct map_region *r = &m->region[m->nr_regions];
	struct source s = { object, !json_is_object(object) };
	uint64_t last = m->nr_regions ? r[-1].end : 0;

	r->start = get_address(&s, "start");
	r->end = get_address(&s, "end");
	if (s.wrong || r->start >= r->end || r->start < last || r->end > m->space_bytes)
		return false;
	snprintf(r->perms, sizeof(r->perms), "%s", get_text(&s, "permissions", true));
	r->kind = (enum map_kind)get_word(&s, "kind", kind_key, MAP_KINDS);
	r->segment = (enum map_segment)get_word(&s, "segment", segment_key, MAP_SEGMENTS);
	r->object = MAP_NO_OBJECT;
	if (json_object_get(object, "object"))
		r->object = get_small(&s, "object", true);
	if (r->object != MAP_NO_OBJECT && r->object >= m->nr_objects)
		return false;
	r->inode = get_count(&s, "inode", false);
	r->offset = get_count(&s, "offset", false);
	get_device(&s, &r->dev_major, &r->dev_minor);
	r->pss_bytes = get_count(&s, "proportional_bytes", false);
	r->locked_bytes = get_count(&s, "locked_bytes", false);
	r->huge_bytes = get_count(&s, "huge_bytes", false);
	r->uffd = json_is_true(json_object_get(object, "userfaultfd"));
	get_pages(&s, r);
	r->name = strdup(get_text(&s, "name", false));
	m->nr_regions++;
	if (!s.wrong)
		get_cells(&s, r);
	return !s.wrong && r->name && strlen(r->perms) == 4;
}

static bool load_object(const json_t *object, struct map *m)
{
	struct map_object *o = &m->object[m->nr_objects];
	struct source s = { object, !json_is_object(object) };

	o->inode = get_count(&s, "inode", false);
	o->processes = get_small(&s, "processes", false);
	get_device(&s, &o->dev_major, &o->dev_minor);
	o->path = strdup(get_text(&s, "path", true));
	m->nr_objects++;
	return !s.wrong && o->path;
}

static void load_sources(struct source *s, struct map *m)
{
	struct source from = { json_object_get(s->object, "sources"), false };
	const char *pager = get_text(&from, "pager", true);

	if (!strcmp(pager, "totals"))
		m->pager = MAP_SOURCE_TOTALS;
	else if (!strcmp(pager, "full"))
		m->pager = MAP_SOURCE_FULL;
	m->module = json_is_true(json_object_get(from.object, "module"));
	m->exact_sharing = json_is_true(json_object_get(from.object, "zero_pages"));
	m->processes_read = get_small(&from, "processes_read", false);
	m->processes_hidden = get_small(&from, "processes_hidden", false);
	s->wrong |= from.wrong;
}

static bool load_head(const json_t *root, struct map *m)
{
	struct source s = { root, false };

	m->pid = (pid_t)get_small(&s, "pid", true);
	snprintf(m->comm, sizeof(m->comm), "%s", get_text(&s, "comm", true));
	m->taken_s = get_count(&s, "taken_s", true);
	m->space_bytes = get_count(&s, "space_bytes", true);
	/* The end of a heap need not be a page's. */
	m->brk = strtoull(get_text(&s, "brk", false), NULL, 16);
	m->pager_standby_bytes = get_count(&s, "pager_standby_bytes", false);
	m->pager_swapped_bytes = get_count(&s, "pager_swapped_bytes", false);
	m->pager_budget_bytes = get_count(&s, "pager_budget_bytes", false);
	m->cow_shared_pages = get_count(&s, "cow_shared_pages", false);
	m->cow_maybe_pages = get_count(&s, "cow_maybe_pages", false);
	load_sources(&s, m);
	return !s.wrong && m->space_bytes && m->space_bytes <= 1ULL << 57 &&
	       !(m->space_bytes & ~PAGE_MASK);
}

static bool load(const json_t *root, struct map *m)
{
	const json_t *objects = json_object_get(root, "objects");
	const json_t *regions = json_object_get(root, "regions");
	bool right = load_head(root, m) && json_is_array(objects) && json_array_size(regions) &&
		     json_array_size(regions) <= UINT32_MAX / 2;

	if (!right)
		return false;
	m->object = calloc(json_array_size(objects) + 1, sizeof(*m->object));
	m->region = calloc(json_array_size(regions), sizeof(*m->region));
	right = m->object && m->region;
	for (size_t i = 0; right && i < json_array_size(objects); i++)
		right = load_object(json_array_get(objects, i), m);
	for (size_t i = 0; right && i < json_array_size(regions); i++)
		right = load_region(json_array_get(regions, i), m);
	return right;
}

/* Not what --svg and --html wrote, which are pictures. */
static int fail(const char *path, const char *why)
{
	return message_fail(UPAGER_EXIT_FAILED,
			    "%s is no saved map (%s): make one with upager map --save", path, why);
}

int map_load(const char *path, struct map *m)
{
	json_error_t error;
	json_t *root;
	FILE *f;
	int exit_code = UPAGER_EXIT_OK;

	*m = (struct map){ 0 };
	f = fopen(path, "re");
	if (!f)
		return message_fail(UPAGER_EXIT_FAILED,
				    "cannot read %s: %s; give a process id or a saved map", path,
				    strerror(errno));
	root = json_loadf(f, 0, &error);
	fclose(f);
	if (!root)
		return fail(path, error.text);
	if (strcmp(json_string_value(json_object_get(root, "format")) ?: "", MAP_FORMAT) != 0)
		exit_code = fail(path, "another format");
	else if (json_integer_value(json_object_get(root, "version")) != MAP_FORMAT_VERSION)
		exit_code = message_fail(UPAGER_EXIT_FAILED,
					 "%s is of another version than this upager: save it again",
					 path);
	else if (!load(root, m))
		exit_code = fail(path, "its numbers do not fit together");
	if (exit_code)
		map_free(m);
	json_decref(root);
	return exit_code;
}
