// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/types.h"
#include "cli/tour/actor.h"
#include "cli/tour/picture.h"
#include "cli/tour/proc.h"
#include "cli/tour/step.h"

#define WISHED_BYTES  (16UL << 30)
#define LEAST_BYTES   (64UL << 20)
#define TOUCHED_PAGES 16

enum what {
	RESERVE,
	TOUCH_FAR, /* pages that are far from each other */
	TOUCH_NEAR, /* as many side by side, of the same memory */
	RELEASE,
};

struct state {
	unsigned char *memory;
	size_t bytes;
};

/* As much as the machine lets one reserve: it may have limits. */
static int reserve(struct state *s, uint64_t *result)
{
	for (s->bytes = WISHED_BYTES; s->bytes >= LEAST_BYTES; s->bytes /= 2) {
		s->memory = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (s->memory == MAP_FAILED)
			continue;
		madvise(s->memory, s->bytes, MADV_NOHUGEPAGE);
		result[0] = (uintptr_t)s->memory;
		result[1] = s->bytes;
		return 0;
	}
	return -errno;
}

static int act(void *state, uint32_t what, uint64_t arg, uint64_t *result)
{
	struct state *s = state;
	size_t step = what == TOUCH_FAR ? s->bytes / TOUCHED_PAGES : PAGE_SIZE;

	(void)arg;
	switch ((enum what)what) {
	case RESERVE:
		return reserve(s, result);
	case TOUCH_FAR:
	case TOUCH_NEAR:
		for (size_t i = 0; i < TOUCHED_PAGES; i++)
			s->memory[i * step] = 1;
		return 0;
	case RELEASE: /* the page tables go with the mapping */
		munmap(s->memory, s->bytes);
		return reserve(s, result);
	}
	return -EINVAL;
}

struct seen {
	uint64_t start;
	uint64_t bytes;
	uint64_t size_bytes; /* of the process */
	uint64_t resident_bytes; /* of the reservation */
	uint64_t tables_bytes; /* before */
	uint64_t tables_far_bytes;
	uint64_t tables_released_bytes;
	uint64_t tables_near_bytes;
	struct map *map;
};

static int measure(const struct actor *a, struct seen *s)
{
	uint64_t result[ACTOR_RESULTS];
	int err;

	err = proc_get(a->pid, "status", "VmPTE", &s->tables_bytes)
		      ?: actor_ask(a, RESERVE, 0, result);
	if (err)
		return err;
	s->start = result[0];
	s->bytes = result[1];
	err = actor_ask(a, TOUCH_FAR, 0, NULL) ?:
	      proc_get(a->pid, "status", "VmPTE", &s->tables_far_bytes) ?:
	      proc_get(a->pid, "status", "VmSize", &s->size_bytes) ?:
	      proc_get_mapping(a->pid, s->start, "Rss", &s->resident_bytes);
	if (err)
		return err;
	s->map = picture_take(a->pid);
	if (!s->map)
		return -ESRCH;
	return actor_ask(a, RELEASE, 0, NULL) ?:
	       proc_get(a->pid, "status", "VmPTE", &s->tables_released_bytes) ?:
	       actor_ask(a, TOUCH_NEAR, 0, NULL) ?:
	       proc_get(a->pid, "status", "VmPTE", &s->tables_near_bytes);
}

static double difference(uint64_t after, uint64_t before)
{
	return after > before ? (double)(after - before) : 0;
}

static void say(struct tour_page *p, const struct seen *s)
{
	uint64_t space_bytes = picture_space_bytes(s->map);

	tour_text(p,
		  "A process has far more addresses than any machine has memory, and most of them "
		  "are holes: nothing is mapped there, and touching one is SIGSEGV. To reserve a "
		  "range is only to write down that it may be used. A page gets a frame when it is "
		  "touched, and page tables, which are a tree, exist only above such pages.");
	tour_table(p, "one process", 0, NULL);
	tour_value(p, "space_bytes", (double)space_bytes, TOUR_BYTES, "addresses it has");
	tour_value(p, "used_percent",
		   100 * (double)picture_mapped_bytes(s->map) / (double)space_bytes, TOUR_PERCENT,
		   "of them mapped");
	tour_value(p, "holes", picture_holes(s->map), TOUR_COUNT, "holes between mappings");
	tour_value(p, "largest_hole_bytes", (double)picture_largest_hole(s->map), TOUR_BYTES,
		   "the largest");
	tour_value(p, "reserved_bytes", (double)s->bytes, TOUR_BYTES, "reserved by one mmap()");
	tour_value(p, "size_bytes", (double)s->size_bytes, TOUR_BYTES, "so VmSize is");
	tour_value(p, "touched_pages", TOUCHED_PAGES, TOUR_PAGES, "pages of it touched");
	tour_value(p, "resident_bytes", (double)s->resident_bytes, TOUR_BYTES, "so Rss of it is");
	tour_table(p, "page tables that this takes (VmPTE)", 0, NULL);
	tour_value(p, "tables_far_bytes", difference(s->tables_far_bytes, s->tables_bytes),
		   TOUR_BYTES, "touched far from each other");
	tour_value(p, "tables_near_bytes",
		   difference(s->tables_near_bytes, s->tables_released_bytes), TOUR_BYTES,
		   "the same number side by side");
	tour_value(p, "flat_table_bytes", (double)(space_bytes >> PAGE_SHIFT) * 8, TOUR_BYTES,
		   "one flat table would take (computed)");
	tour_strip(p, "the reservation", s->map, s->start, s->start + s->bytes);
	tour_command(p, "grep -E '^Vm(Size|RSS|PTE)' /proc/$$/status");
	tour_command(p, "upager map $$");
	tour_command(p, "upager stat $$");
}

int tour_holes(struct tour_page *p)
{
	struct state state = { 0 };
	struct seen seen = { 0 };
	struct actor a;
	int err = actor_start(&a, act, &state);

	if (err)
		return err;
	err = measure(&a, &seen);
	actor_end(&a);
	if (!err)
		say(p, &seen);
	picture_free(seen.map);
	return err;
}
