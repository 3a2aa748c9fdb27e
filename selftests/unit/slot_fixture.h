/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SLOT_FIXTURE_H
#define UPAGER_SLOT_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "swap/slot.h"
#include "swap/slot_extent.h"
#include "swap/slot_rank.h"

#define X SLOT_EXTENT_SLOTS

/* A state directory and areas that exist only as superblocks: slots never look at the data. */
struct fixture {
	char dir[256];
	int dir_fd;
	uint32_t nr_areas;
	struct area areas[AREAS_MAX];
	struct slots *slots;
};

static inline void add_area(struct fixture *f, uint64_t nr_slots, int priority)
{
	struct area *area = &f->areas[f->nr_areas];

	*area = (struct area){ .fd = -1, .priority = priority };
	area->sb.nr_slots = nr_slots;
	area->sb.version = SUPERBLOCK_VERSION;
	area->sb.uuid[0] = (uint8_t)++f->nr_areas;
}

static inline int open_slots(struct fixture *f)
{
	return slots_init(&f->slots, f->areas, f->nr_areas, f->dir_fd);
}

static inline void reopen_slots(struct fixture *f)
{
	slots_fini(f->slots);
	assert_int_equal(open_slots(f), 0);
}

static inline int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "%s/test_slot.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->dir_fd >= 0);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->slots)
		slots_fini(f->slots);
	for (uint32_t a = 0; a < AREAS_MAX; a++) {
		char name[24];

		snprintf(name, sizeof(name), "slots.%u", a);
		unlinkat(f->dir_fd, name, 0);
	}
	close(f->dir_fd);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static inline struct fixture *open_one(void **state, uint64_t nr_slots)
{
	struct fixture *f = *state;

	add_area(f, nr_slots, 0);
	assert_int_equal(open_slots(f), 0);
	return f;
}

static inline void put_run(struct fixture *f, slot_t first, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++)
		slot_put(f->slots, slot_add(first, i));
}

static inline void alloc_exactly(struct fixture *f, uint32_t hint, uint32_t want, uint64_t first)
{
	slot_t slot;

	assert_int_equal(slot_alloc(f->slots, hint, want, &slot), want);
	assert_int_equal(slot.v, first);
}

static inline void fill(struct fixture *f, uint32_t hint)
{
	slot_t slot;

	while (slot_alloc(f->slots, hint, X, &slot) > 0)
		;
	assert_int_equal(slots_free(f->slots), 0);
}

static inline uint32_t area_of(struct fixture *f, slot_t slot)
{
	uint64_t offset;
	uint32_t area;

	slot_place(f->slots, slot, &area, &offset);
	return area;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
