// SPDX-License-Identifier: GPL-2.0-only
/* What kinds, segments and states are called. */
#include <stdio.h>
#include <string.h>

#include "cli/map/model.h"

static const struct {
	const char *name;
	const char *key;
} kinds[MAP_KINDS] = {
	[MAP_PROGRAM] = { "program", "program" },
	[MAP_LIBRARY] = { "library", "library" },
	[MAP_HEAP] = { "heap", "heap" },
	[MAP_ANONYMOUS] = { "anonymous", "anonymous" },
	[MAP_STACK] = { "stack", "stack" },
	[MAP_FILE] = { "mapped file", "file" },
	[MAP_SHARED_MEMORY] = { "shared memory", "shared_memory" },
	[MAP_KERNEL] = { "vdso", "vdso" },
	[MAP_GUARD] = { "no access", "no_access" },
	[MAP_PAGER] = { "upager's own", "upager" },
}, segments[MAP_SEGMENTS] = {
	[MAP_WHOLE] = { "", "" },
	[MAP_TEXT] = { "text", "text" },
	[MAP_RODATA] = { "read-only", "read_only" },
	[MAP_DATA] = { "data", "data" },
	[MAP_BSS] = { "bss", "bss" },
}, states[MAP_STATES] = {
	[MAP_PRIVATE] = { "resident, its own", "private" },
	[MAP_FORKED] = { "resident, shared since a fork", "forked" },
	[MAP_SHARED] = { "resident, others map it too", "shared" },
	[MAP_ZERO] = { "read, never written", "zero" },
	[MAP_STANDBY] = { "standby in upager", "standby" },
	[MAP_SWAPPED] = { "swapped by upager", "swapped" },
	[MAP_KERNEL_SWAPPED] = { "swapped by the kernel", "kernel_swapped" },
	[MAP_MARKED] = { "guard or lost", "marked" },
	[MAP_UNTOUCHED] = { "not touched", "untouched" },
};

const char *map_kind_name(enum map_kind kind)
{
	return kinds[kind].name;
}

const char *map_segment_name(enum map_segment segment)
{
	return segments[segment].name;
}

const char *map_state_name(enum map_state state)
{
	return states[state].name;
}

const char *map_kind_key(enum map_kind kind)
{
	return kinds[kind].key;
}

const char *map_segment_key(enum map_segment segment)
{
	return segments[segment].key;
}

const char *map_state_key(enum map_state state)
{
	return states[state].key;
}

void map_label(enum map_kind kind, enum map_segment segment, char *buf, size_t len)
{
	snprintf(buf, len, "%s%s%s", map_kind_name(kind), segment ? " " : "",
		 map_segment_name(segment));
}

const char *map_region_title(const struct map *m, const struct map_region *r)
{
	const char *name = r->object != MAP_NO_OBJECT ? m->object[r->object].path : r->name;
	const char *slash = strrchr(name, '/');

	if (!*name || !strncmp(name, "/dev/zero", 9))
		return map_kind_name(r->kind);
	return slash && slash[1] ? slash + 1 : name;
}

void map_missing(const struct map *m, char *buf, size_t len)
{
	const char *pager = "";

	if (m->pager == MAP_SOURCE_TOTALS)
		pager = "this upagerd tells what it evicted as a sum only, a newer one where it is";
	else if (m->pager == MAP_SOURCE_ABSENT)
		pager = "the pager would add what is standby and swapped by it";
	snprintf(buf, len, "%s%s%s", pager, *pager && !m->module ? "; " : "",
		 m->module ? ""
			   : "the module would add copies by copy-on-write and exact counts of "
			     "sharing");
}
