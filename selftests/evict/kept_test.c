// SPDX-License-Identifier: GPL-2.0-only
/* What one program keeps in the swap area without need is there for the others. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR	   4096 /* pages: 16 MiB */
#define AREA_BYTES (24 * MIB)

FIXTURE(kept)
{
	struct pager pager;
};

FIXTURE_SETUP(kept)
{
	const struct pager_options opt = { .area_bytes = AREA_BYTES };

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
}

PAGER_TEARDOWN(kept)

/* Out and in again: all of it is resident, and most of it in the area, too. */
static int come_back(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	for (int i = 0; i < 2; i++)
		target_check(sh, memory_is(p, 0, NR, 1));
	target_meet(sh, 2); /* the budget is raised */
	target_check(sh, memory_is(p, 0, NR, 1));
	target_meet(sh, 3);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

static int need_room(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 2);
	target_meet(sh, 2);
	for (int i = 0; i < 2; i++)
		target_check(sh, memory_is(p, 0, NR, 2));
	return 0;
}

static bool fits(struct pager *pg, pid_t pid)
{
	return pager_status(pg, pid).resident_bytes < TARGET_BUDGET + TARGET_BUDGET / 4;
}

static uint64_t slots_left(struct pager *pg)
{
	struct upager_record rec;

	return upager_ping(pg->client, &rec) ? 0 : rec.slots_free;
}

/* Regression: they were given up by none but who kept them, and only for himself. */
TEST_F_TIMEOUT(kept, copies_make_room_for_others, 60)
{
	struct target a = target_start(&self->pager, come_back, TARGET_BUDGET), b;

	ASSERT_TRUE(target_reached(&a, 2));
	EXPECT_EQ(0, upager_set_budget(self->pager.client, a.pid, 32 * MIB, NULL));
	target_let(&a, 2);
	EXPECT_TRUE(target_reached(&a, 3));
	EXPECT_LT(slots_left(&self->pager), NR * 3 / 4);
	b = target_start(&self->pager, need_room, TARGET_BUDGET);
	EXPECT_TRUE(target_reached(&b, 2));
	EXPECT_TRUE(wait_until(5, fits(&self->pager, b.pid)));
	EXPECT_FALSE(pager_logged(&self->pager, "areas are full"));
	target_let(&b, 2);
	EXPECT_EQ(0, target_end(&b));
	target_let(&a, 3);
	EXPECT_EQ(0, target_end(&a));
}

static int need_too_much(struct target_share *sh)
{
	uint8_t *p = memory_map(3 * NR);

	for (uint64_t i = 1; i < 3; i++) {
		memory_fill(p, 0, 3 * NR, i);
		target_check(sh, memory_is(p, 0, 3 * NR, i));
	}
	return 0;
}

/* Regression: at each few slots that became free and were used again. */
TEST_F_TIMEOUT(kept, that_it_is_full_is_said_once, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, need_too_much));
	EXPECT_EQ(1, pager_logged_times(&self->pager, "areas are full"));
}

TEST_HARNESS_MAIN
