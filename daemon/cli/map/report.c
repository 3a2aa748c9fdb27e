// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/upager.h"

#define WINDOW_BYTES ((1ULL << 47) - PAGE_SIZE)

struct hole {
	uint64_t start;
	uint64_t end;
	uint32_t above; /* the region; nr_regions: none */
};

/* The next hole at or above *i's region, which moves on; false: there is none any more. */
static bool next_hole(const struct map *m, uint32_t *i, struct hole *h)
{
	for (; *i <= m->nr_regions; (*i)++) {
		h->start = *i ? m->region[*i - 1].end : 0;
		h->end = *i < m->nr_regions ? m->region[*i].start : m->space_bytes;
		h->above = *i;
		if (h->start < h->end) {
			(*i)++;
			return true;
		}
	}
	return false;
}

static uint64_t heap_bytes(const struct map *m, const struct hole *h)
{
	return m->brk && m->brk >= h->start && m->brk < h->end ? h->end - m->brk : 0;
}

static uint64_t stack_bytes(const struct map *m, const struct hole *h)
{
	return h->above < m->nr_regions && !strcmp(m->region[h->above].name, "[stack]")
		       ? h->end - h->start
		       : 0;
}

static uint64_t in_window(uint64_t start, uint64_t end)
{
	end = min_t(uint64_t, end, WINDOW_BYTES);
	return start < end ? end - start : 0;
}

static uint64_t ppm(uint64_t part, uint64_t whole)
{
	return (uint64_t)((unsigned __int128)part * 1000000 / whole);
}

static void sum_holes(FILE *f, const struct map *m)
{
	uint64_t holes = 0, largest = 0, heap = 0, stack = 0, window_holes = 0, mapped;
	uint64_t count = 0, window_count = 0, window = in_window(0, m->space_bytes);
	struct hole h;

	for (uint32_t i = 0; next_hole(m, &i, &h);) {
		count++;
		holes += h.end - h.start;
		largest = max_t(uint64_t, largest, h.end - h.start);
		heap += heap_bytes(m, &h);
		stack += stack_bytes(m, &h);
		window_holes += in_window(h.start, h.end);
		window_count += in_window(h.start, h.end) > 0;
	}
	mapped = m->space_bytes - holes;
	fprintf(f,
		"holes_count %" PRIu64 "\nholes_bytes %" PRIu64 "\nlargest_hole_bytes %" PRIu64
		"\nheap_hole_bytes %" PRIu64 "\nstack_hole_bytes %" PRIu64 "\n",
		count, holes, largest, heap, stack);
	fprintf(f,
		"mapped_bytes %" PRIu64 "\nspace_bytes %" PRIu64 "\nspace_used_ppm %" PRIu64 "\n",
		mapped, m->space_bytes, ppm(mapped, m->space_bytes));
	fprintf(f,
		"window_bytes %" PRIu64 "\nwindow_mapped_bytes %" PRIu64
		"\nwindow_holes_count %" PRIu64 "\nwindow_holes_bytes %" PRIu64
		"\nwindow_used_ppm %" PRIu64 "\n",
		window, window - window_holes, window_count, window_holes,
		ppm(window - window_holes, window));
}

static void put_name(FILE *f, const char *key, const char *name)
{
	fprintf(f, "%s ", key);
	for (; *name; name++)
		if (*name == '\n' || *name == '\\')
			fprintf(f, "\\%03o", (unsigned int)*name);
		else
			putc(*name, f);
	putc('\n', f);
}

static const char *name_of(const struct map *m, uint32_t i)
{
	if (i >= m->nr_regions)
		return "[none]";
	return m->region[i].name[0] ? m->region[i].name : "[anon]";
}

static void list_holes(FILE *f, const struct map *m)
{
	unsigned int number = 0;
	struct hole h;

	for (uint32_t i = 0; next_hole(m, &i, &h);) {
		bool heap = heap_bytes(m, &h), stack = stack_bytes(m, &h);

		fprintf(f, "hole %u\nhole_start 0x%" PRIx64 "\nhole_end 0x%" PRIx64 "\n", ++number,
			h.start, h.end);
		fprintf(f, "hole_bytes %" PRIu64 "\n", h.end - h.start);
		put_name(f, "hole_below", name_of(m, h.above ? h.above - 1 : m->nr_regions));
		put_name(f, "hole_above", name_of(m, h.above));
		if (heap || stack)
			fprintf(f, "hole_role %s%s%s\n", heap ? "heap" : "",
				heap && stack ? "," : "", stack ? "stack" : "");
	}
}

/* The mappings of an object's file. */
struct extent {
	uint64_t start;
	uint64_t end;
	uint64_t mapped_bytes;
	uint64_t executable_bytes;
	uint64_t writable_bytes;
	uint64_t readonly_bytes;
	uint64_t resident_bytes;
	uint64_t shared_bytes;
	uint64_t pss_bytes;
};

static void add_region(struct extent *e, const struct map_region *r)
{
	uint64_t bytes = map_region_bytes(r);

	e->start = e->end ? e->start : r->start;
	e->end = r->end;
	e->mapped_bytes += bytes;
	if (r->perms[2] == 'x')
		e->executable_bytes += bytes;
	else if (r->perms[1] == 'w')
		e->writable_bytes += bytes;
	else if (r->perms[0] == 'r')
		e->readonly_bytes += bytes;
	e->resident_bytes += r->rss_bytes;
	e->shared_bytes += min_t(uint64_t, r->shared_bytes, r->rss_bytes);
	e->pss_bytes += r->pss_bytes;
}

/* object: MAP_NO_OBJECT for all. */
static struct extent extent_of(const struct map *m, uint32_t object)
{
	struct extent e = { 0 };

	for (uint32_t i = 0; i < m->nr_regions; i++) {
		const struct map_region *r = &m->region[i];

		if (r->object != MAP_NO_OBJECT && r->inode &&
		    (object == MAP_NO_OBJECT || r->object == object))
			add_region(&e, r);
	}
	return e;
}

static void sum_objects(FILE *f, const struct map *m)
{
	struct extent e = extent_of(m, MAP_NO_OBJECT);

	fprintf(f,
		"libs_count %u\nlibs_mapped_bytes %" PRIu64 "\nlibs_resident_bytes %" PRIu64
		"\nlibs_shared_bytes %" PRIu64 "\nlibs_private_bytes %" PRIu64
		"\nlibs_proportional_bytes %" PRIu64 "\n",
		m->nr_objects, e.mapped_bytes, e.resident_bytes, e.shared_bytes,
		e.resident_bytes - e.shared_bytes, e.pss_bytes);
}

/* The numbers of the holes next to it. */
static void holes_around(const struct map *m, const struct extent *e, unsigned int *below,
			 unsigned int *above)
{
	unsigned int number = 0;
	struct hole h;

	*below = *above = 0;
	for (uint32_t i = 0; next_hole(m, &i, &h);) {
		number++;
		if (h.end <= e->start)
			*below = number;
		if (h.start >= e->end && !*above)
			*above = number;
	}
}

/* One after the other by its lowest mapping, as they are found. */
static void list_objects(FILE *f, const struct map *m, bool *seen)
{
	unsigned int number = 0, below, above;

	for (uint32_t i = 0; i < m->nr_regions; i++) {
		uint32_t object = m->region[i].object;
		struct extent e;

		if (object == MAP_NO_OBJECT || seen[object] || !m->region[i].inode)
			continue;
		seen[object] = true;
		e = extent_of(m, object);
		holes_around(m, &e, &below, &above);
		fprintf(f, "object %u\n", ++number);
		put_name(f, "object_path", m->object[object].path);
		fprintf(f, "object_start 0x%" PRIx64 "\nobject_end 0x%" PRIx64 "\n", e.start,
			e.end);
		fprintf(f, "object_mapped_bytes %" PRIu64 "\nobject_executable_bytes %" PRIu64 "\n",
			e.mapped_bytes, e.executable_bytes);
		fprintf(f, "object_writable_bytes %" PRIu64 "\nobject_readonly_bytes %" PRIu64 "\n",
			e.writable_bytes, e.readonly_bytes);
		fprintf(f, "object_resident_bytes %" PRIu64 "\nobject_shared_bytes %" PRIu64 "\n",
			e.resident_bytes, e.shared_bytes);
		fprintf(f,
			"object_private_bytes %" PRIu64 "\nobject_proportional_bytes %" PRIu64 "\n",
			e.resident_bytes - e.shared_bytes, e.pss_bytes);
		if (m->object[object].processes)
			fprintf(f, "object_processes %u\n", m->object[object].processes);
		fprintf(f, "object_hole_below %u\nobject_hole_above %u\n", below, above);
	}
}

int map_report(const struct map *m, struct report *report)
{
	bool *seen = calloc(m->nr_objects + 1, sizeof(*seen));
	struct map_sum all;
	char *text = NULL;
	size_t bytes = 0;
	FILE *f = seen ? open_memstream(&text, &bytes) : NULL;
	int err = -ENOMEM;

	if (!f)
		goto undo_seen;
	map_sum_all(m, &all);
	fprintf(f, "version %d\npid %d\n", UPAGER_REPORT_VERSION, m->pid);
	put_name(f, "comm", m->comm);
	fprintf(f, "tracked 0\nmodule 0\n");
	sum_holes(f, m);
	sum_objects(f, m);
	fprintf(f, "shared_now_pages %" PRIu64 "\n", all.pages[MAP_FORKED]);
	list_holes(f, m);
	list_objects(f, m, seen);
	if (!fclose(f))
		err = report_parse(report, text, bytes);
	free(text);
undo_seen:
	free(seen);
	return err;
}
