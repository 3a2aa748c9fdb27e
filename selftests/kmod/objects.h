/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_OBJECTS_H
#define UPAGER_SELFTESTS_OBJECTS_H

#include <glob.h>

#include "maps.h"
#include "report.h"

#define NR_OBJECTS_MAX 512

/* What the report should say of one file: mappings of it that no other file's mapping parts. */
struct object {
	unsigned int dev_major, dev_minor;
	uint64_t inode, nr_maps;
	const char *path;
	uint64_t start, end, mapped, executable, writable, readonly;
	uint64_t resident, shared, private_, proportional, processes;
};

static struct object objects[NR_OBJECTS_MAX];
static unsigned int nr_objects;

static inline bool is_of(const struct object *object, const struct map *map)
{
	return object->inode == map->inode && object->dev_major == map->dev_major &&
	       object->dev_minor == map->dev_minor;
}

static inline void object_add(struct object *object, const struct map *map)
{
	uint64_t bytes = map->end - map->start;

	object->end = map->end;
	object->nr_maps++;
	object->mapped += bytes;
	if (map->access[2] == 'x')
		object->executable += bytes;
	else if (map->access[1] == 'w')
		object->writable += bytes;
	else if (map->access[0] == 'r')
		object->readonly += bytes;
	object->resident += map->resident_bytes;
	object->shared += map->shared_bytes;
	object->private_ += map->private_bytes;
	object->proportional += map->proportional_bytes;
}

/* A file of which nothing can be executed is none: the next one takes its place. */
static inline void objects_collect(void)
{
	struct object *last = NULL;

	nr_objects = 0;
	for (unsigned int i = 0; i < maps.nr; i++) {
		const struct map *map = &maps.map[i];

		if (map->name[0] != '/' || !map->inode)
			continue;
		if (!last || !is_of(last, map)) {
			nr_objects += last && last->executable;
			if (nr_objects == NR_OBJECTS_MAX)
				return;
			last = &objects[nr_objects];
			*last = (struct object){ .dev_major = map->dev_major,
						 .dev_minor = map->dev_minor,
						 .inode = map->inode,
						 .path = map->name,
						 .start = map->start };
		}
		object_add(last, map);
	}
	nr_objects += last && last->executable;
}

/* Each process that has a line for the file, once. */
static inline void objects_count(void)
{
	static char text[SMAPS_SIZE];
	glob_t all;

	if (glob("/proc/[0-9]*", 0, NULL, &all))
		return;
	for (size_t i = 0; i < all.gl_pathc; i++) {
		bool seen[NR_OBJECTS_MAX] = { false };

		if (maps_take(atoi(all.gl_pathv[i] + 6), "maps", text))
			continue;
		for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
			struct map map;

			if (sscanf(line, "%lx-%lx %*s %*x %x:%x %lu", &map.start, &map.end,
				   &map.dev_major, &map.dev_minor, &map.inode) != 5)
				continue;
			for (unsigned int k = 0; map.inode && k < nr_objects; k++)
				seen[k] = seen[k] || is_of(&objects[k], &map);
		}
		for (unsigned int k = 0; k < nr_objects; k++)
			objects[k].processes += seen[k];
	}
	globfree(&all);
}

/* Numbers of the holes nearest below and above an object. */
static inline unsigned int hole_below(const struct object *object)
{
	unsigned int number = 0;

	while (number < maps.nr_holes && maps.hole[number].end <= object->start)
		number++;
	return number;
}

static inline unsigned int hole_above(const struct object *object)
{
	for (unsigned int i = 0; i < maps.nr_holes; i++)
		if (maps.hole[i].start >= object->end)
			return i + 1;
	return 0;
}

#endif
