// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/save.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/json.h"
#include "cli/map/layout.h"

static json_t *address(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

/* Only those states that occur: most regions have one or two. */
static json_t *pages_object(const uint64_t pages[MAP_STATES])
{
	json_t *object = json_object();

	for (int s = 0; s < MAP_STATES; s++)
		if (pages[s])
			json_object_set_new(object, map_state_key((enum map_state)s),
					    json_count(pages[s]));
	return object;
}

static json_t *cells_object(const struct map_region *r)
{
	json_t *object = json_object();

	json_object_set_new(object, "count", json_integer(r->nr_cells));
	for (int s = 0; s < MAP_STATES; s++) {
		json_t *list;

		if (!r->pages[s])
			continue;
		list = json_array();
		for (uint32_t i = 0; i < r->nr_cells; i++)
			json_array_append_new(list, json_integer(r->cells[i].pages[s]));
		json_object_set_new(object, map_state_key((enum map_state)s), list);
	}
	return object;
}

static json_t *region_object(const struct map_region *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "start", address(r->start));
	json_object_set_new(o, "end", address(r->end));
	json_object_set_new(o, "bytes", json_count(map_region_bytes(r)));
	json_object_set_new(o, "kind", json_string(map_kind_key(r->kind)));
	if (r->segment)
		json_object_set_new(o, "segment", json_string(map_segment_key(r->segment)));
	json_object_set_new(o, "permissions", json_text(r->perms));
	if (r->name[0])
		json_object_set_new(o, "name", json_text(r->name));
	if (r->object != MAP_NO_OBJECT)
		json_object_set_new(o, "object", json_integer(r->object));
	if (r->inode) {
		json_object_set_new(o, "offset", json_count(r->offset));
		json_object_set_new(o, "device", json_sprintf("%x:%x", r->dev_major, r->dev_minor));
		json_object_set_new(o, "inode", json_count(r->inode));
	}
	json_object_set_new(o, "pages", pages_object(r->pages));
	json_object_set_new(o, "proportional_bytes", json_count(r->pss_bytes));
	if (r->locked_bytes)
		json_object_set_new(o, "locked_bytes", json_count(r->locked_bytes));
	if (r->huge_bytes)
		json_object_set_new(o, "huge_bytes", json_count(r->huge_bytes));
	if (r->uffd)
		json_object_set_new(o, "userfaultfd", json_true());
	if (r->nr_cells > 1)
		json_object_set_new(o, "cells", cells_object(r));
	return o;
}

static json_t *regions_array(const struct map *m)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < m->nr_regions; i++)
		json_array_append_new(array, region_object(&m->region[i]));
	return array;
}

static json_t *objects_array(const struct map *m)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < m->nr_objects; i++) {
		const struct map_object *object = &m->object[i];
		json_t *o = json_object();

		json_object_set_new(o, "path", json_text(object->path));
		json_object_set_new(o, "device",
				    json_sprintf("%x:%x", object->dev_major, object->dev_minor));
		json_object_set_new(o, "inode", json_count(object->inode));
		if (object->processes)
			json_object_set_new(o, "processes", json_integer(object->processes));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *holes_array(const struct map *m)
{
	json_t *array = json_array();
	struct map_layout l;

	if (map_layout_init(&l, m)) {
		json_decref(array);
		return NULL;
	}
	for (uint32_t i = l.nr; i--;) {
		const struct map_item *item = &l.item[i];
		json_t *o;

		if (item->nr_regions)
			continue;
		o = json_object();
		json_object_set_new(o, "start", address(item->start));
		json_object_set_new(o, "end", address(item->end));
		json_object_set_new(o, "bytes", json_count(item->end - item->start));
		if (item->for_heap)
			json_object_set_new(o, "for_heap", json_true());
		if (item->for_stack)
			json_object_set_new(o, "for_stack", json_true());
		json_array_append_new(array, o);
	}
	map_layout_fini(&l);
	return array;
}

static json_t *totals_object(const struct map *m)
{
	json_t *o = json_object();
	struct map_sum all;
	uint64_t start;

	map_sum_all(m, &all);
	json_object_set_new(o, "reserved_bytes", json_count(all.bytes));
	json_object_set_new(o, "resident_bytes", json_count(map_sum_resident_bytes(&all)));
	json_object_set_new(o, "swapped_bytes", json_count(map_swapped_bytes(m)));
	json_object_set_new(o, "standby_bytes", json_count(map_standby_bytes(m)));
	json_object_set_new(o, "proportional_bytes", json_count(all.pss_bytes));
	json_object_set_new(o, "locked_bytes", json_count(all.locked_bytes));
	json_object_set_new(o, "largest_hole_bytes", json_count(map_largest_hole(m, &start)));
	json_object_set_new(o, "largest_hole_start", address(start));
	json_object_set_new(o, "pages", pages_object(all.pages));
	return o;
}

static json_t *sources_object(const struct map *m)
{
	static const char *const pager[] = { "absent", "totals", "full" };
	json_t *o = json_object();

	json_object_set_new(o, "pager", json_string(pager[m->pager]));
	json_object_set_new(o, "module", json_boolean(m->module));
	json_object_set_new(o, "zero_pages", json_boolean(m->exact_sharing));
	json_object_set_new(o, "processes_read", json_integer(m->processes_read));
	json_object_set_new(o, "processes_hidden", json_integer(m->processes_hidden));
	return o;
}

json_t *map_to_json(const struct map *m)
{
	json_t *root = json_object();
	char missing[256];

	map_missing(m, missing, sizeof(missing));
	json_object_set_new(root, "format", json_string(MAP_FORMAT));
	json_object_set_new(root, "version", json_integer(MAP_FORMAT_VERSION));
	json_object_set_new(root, "pid", json_integer(m->pid));
	json_object_set_new(root, "comm", json_text(m->comm));
	json_object_set_new(root, "taken_s", json_count(m->taken_s));
	json_object_set_new(root, "page_bytes", json_integer(PAGE_SIZE));
	json_object_set_new(root, "space_bytes", json_count(m->space_bytes));
	json_object_set_new(root, "brk", address(m->brk));
	json_object_set_new(root, "sources", sources_object(m));
	if (m->pager != MAP_SOURCE_ABSENT) {
		json_object_set_new(root, "pager_standby_bytes",
				    json_count(m->pager_standby_bytes));
		json_object_set_new(root, "pager_swapped_bytes",
				    json_count(m->pager_swapped_bytes));
		json_object_set_new(root, "pager_budget_bytes", json_count(m->pager_budget_bytes));
	}
	if (m->module) {
		json_object_set_new(root, "cow_shared_pages", json_count(m->cow_shared_pages));
		json_object_set_new(root, "cow_maybe_pages", json_count(m->cow_maybe_pages));
	}
	json_object_set_new(root, "missing", json_string(missing));
	json_object_set_new(root, "totals", totals_object(m));
	json_object_set_new(root, "objects", objects_array(m));
	json_object_set_new(root, "regions", regions_array(m));
	/* What could not be made is left out by jansson: nothing is half there. */
	if (json_object_set_new(root, "holes", holes_array(m))) {
		json_decref(root);
		return NULL;
	}
	return root;
}
