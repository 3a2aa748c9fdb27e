// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 120
 *
 * What is read at equal distances is fetched ahead.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

PAGER_FIXTURE(stride)

#define NR     4099ULL /* a prime: each distance comes to all pages */
#define ROUNDS 2

static int walk(struct target_share *sh, const uint8_t *p, uint64_t step)
{
	for (uint64_t i = 0, n = 0; i < NR; i++, n = (n + step) % NR)
		target_check(sh, memory_is(p, n, n + 1, 1));
	return 0;
}

static int walk_in_steps(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_meet(sh, 2);
	for (int i = 0; i < ROUNDS; i++)
		if (walk(sh, p, atomic_load(&sh->value[0])))
			return 1;
	target_meet(sh, 3);
	return 0;
}

static void walk_of(struct __test_metadata *_metadata, struct pager *pg, uint64_t step)
{
	struct target t = target_start(pg, walk_in_steps, TARGET_BUDGET);
	struct upager_record before, after;

	atomic_store(&t.share->value[0], step);
	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_TRUE(wait_until(30, pager_status(pg, t.pid).evictions > 1000));
	before = pager_status(pg, t.pid);
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3));
	after = pager_status(pg, t.pid);
	TH_LOG("step %llu: %llu read, %llu faults, ahead %llu of %llu used",
	       (unsigned long long)step, (unsigned long long)(after.swap_ins - before.swap_ins),
	       (unsigned long long)(after.faults - before.faults),
	       (unsigned long long)(after.readahead_hits - before.readahead_hits),
	       (unsigned long long)(after.readahead_pages - before.readahead_pages));
	EXPECT_GT(after.swap_ins - before.swap_ins, NR);
	/* Some come while it is on its way. */
	EXPECT_LT(after.faults - before.faults, (after.swap_ins - before.swap_ins) * 2 / 3);
	EXPECT_GT(after.readahead_hits - before.readahead_hits, NR / 3);
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
}

TEST_F_TIMEOUT(stride, up_and_down, 60)
{
	walk_of(_metadata, &self->pager, 17);
	walk_of(_metadata, &self->pager, NR - 17);
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* What cannot be read is read again for who touches it, and lost by nobody who did not. */
TEST_F_TIMEOUT(stride, fails_ahead, 60)
{
	struct pager_options opt = { .disable = variant->disable,
				     .failpoints = "store_ahead=err:5" };
	struct upager_record rec;
	struct target t;

	EXPECT_EQ(0, pager_stop(&self->pager));
	pager_fini(&self->pager);
	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	t = target_start(&self->pager, walk_in_steps, TARGET_BUDGET);
	atomic_store(&t.share->value[0], 17);
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3));
	rec = pager_status(&self->pager, t.pid);
	EXPECT_LT(NR / 4, rec.io_errors);
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t)) TH_LOG("%s", t.share->why);
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
