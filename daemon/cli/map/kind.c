// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/kind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What upager places in a process that it pages is smaller. */
#define PAGER_BYTES_MAX (4u << 20)

static bool same_file(const struct map_object *o, const struct map_region *r)
{
	return o->inode == r->inode && o->dev_major == r->dev_major && o->dev_minor == r->dev_minor;
}

static bool is_memory(const char *name)
{
	return !strncmp(name, "/memfd:", 7) || !strncmp(name, "/SYSV", 5) ||
	       !strncmp(name, "/dev/shm/", 9) || !strncmp(name, "/dev/zero", 9) ||
	       !strncmp(name, "/anon_hugepage", 14) || !strncmp(name, "[anon_shmem:", 12);
}

/* A file with code: libraries and programs have their own, others are data. */
static bool is_code(const struct map_region *r)
{
	return r->inode && r->perms[2] == 'x' && r->perms[3] == 'p' && !is_memory(r->name);
}

static uint32_t find_object(const struct map *m, const struct map_region *r)
{
	for (uint32_t i = 0; r->inode && i < m->nr_objects; i++)
		if (same_file(&m->object[i], r))
			return i;
	return MAP_NO_OBJECT;
}

static int make_objects(struct map *m)
{
	for (uint32_t i = 0; i < m->nr_regions; i++) {
		const struct map_region *r = &m->region[i];
		struct map_object *larger;
		char *path;

		if (!is_code(r) || find_object(m, r) != MAP_NO_OBJECT)
			continue;
		larger = reallocarray(m->object, m->nr_objects + 1, sizeof(*larger));
		if (larger)
			m->object = larger;
		path = larger ? strdup(r->name) : NULL;
		if (!path)
			return -ENOMEM;
		m->object[m->nr_objects++] = (struct map_object){
			.path = path,
			.dev_major = r->dev_major,
			.dev_minor = r->dev_minor,
			.inode = r->inode,
		};
	}
	return 0;
}

static bool is_anonymous(const struct map_region *r)
{
	return !r->inode && (!r->name[0] || !strncmp(r->name, "[anon:", 6));
}

/*
 * What is anonymous right behind an object's writable part is its bss: the loader puts it there,
 * and names of the C library's (`[anon: .bss]`) say so.
 */
static bool is_bss(const struct map_region *r, const struct map_region *below)
{
	if (strstr(r->name, ".bss"))
		return true;
	return !r->name[0] && below && below->end == r->start && below->object != MAP_NO_OBJECT &&
	       below->perms[1] == 'w' && below->segment != MAP_BSS && r->perms[1] == 'w';
}

static enum map_segment segment_of(const struct map_region *r)
{
	if (r->perms[2] == 'x')
		return MAP_TEXT;
	return r->perms[1] == 'w' ? MAP_DATA : MAP_RODATA;
}

static bool no_access(const struct map_region *r)
{
	return !strncmp(r->perms, "---", 3);
}

static enum map_kind kind_of(const struct map_region *r)
{
	if (!strncmp(r->name, "/memfd:upager-", 14))
		return MAP_PAGER;
	if (no_access(r))
		return MAP_GUARD;
	if (!strcmp(r->name, "[heap]"))
		return MAP_HEAP;
	if (!strncmp(r->name, "[stack", 6) || !strncmp(r->name, "[anon:stack", 11) ||
	    !strncmp(r->name, "[anon: glibc: pthread stack", 27))
		return MAP_STACK;
	if (is_memory(r->name))
		return MAP_SHARED_MEMORY;
	if (r->inode)
		return MAP_FILE;
	if (is_anonymous(r))
		return r->perms[3] == 's' ? MAP_SHARED_MEMORY : MAP_ANONYMOUS;
	return MAP_KERNEL;
}

static void find_kind(struct map *m, struct map_region *r, const struct map_region *below,
		      uint32_t program)
{
	r->kind = kind_of(r);
	r->segment = MAP_WHOLE;
	r->object = r->kind == MAP_FILE || r->kind == MAP_GUARD ? find_object(m, r) : MAP_NO_OBJECT;
	if (r->kind == MAP_ANONYMOUS && is_bss(r, below)) {
		r->object = below ? below->object : MAP_NO_OBJECT;
		if (r->object == MAP_NO_OBJECT)
			return;
		r->segment = MAP_BSS;
	} else if (r->object != MAP_NO_OBJECT && r->kind == MAP_FILE) {
		r->segment = segment_of(r);
	}
	if (r->segment)
		r->kind = r->object == program ? MAP_PROGRAM : MAP_LIBRARY;
}

/* The agent's stack and staging are anonymous, in one reservation with its memory files. */
static void find_pagers(struct map *m)
{
	uint64_t end = 0, begin = 0;

	for (uint32_t i = 0; i < m->nr_regions; i++) {
		struct map_region *r = &m->region[i];
		bool named = r->kind == MAP_PAGER;

		if (named && r->start != end)
			begin = r->start;
		if (named ||
		    (r->start == end && is_anonymous(r) && r->end - begin <= PAGER_BYTES_MAX)) {
			r->kind = MAP_PAGER;
			end = r->end;
		}
	}
}

int map_kinds_find(struct map *m, const char *program)
{
	uint32_t index = MAP_NO_OBJECT;
	int err = make_objects(m);

	if (err)
		return err;
	for (uint32_t i = 0; i < m->nr_objects; i++)
		if (!strcmp(m->object[i].path, program))
			index = i;
	for (uint32_t i = 0; i < m->nr_regions; i++)
		find_kind(m, &m->region[i], i ? &m->region[i - 1] : NULL, index);
	find_pagers(m);
	return 0;
}
