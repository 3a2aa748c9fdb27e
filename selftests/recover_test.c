// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * The daemon is killed; another one with the same areas and state takes over, and
 * programs go on with all they had.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR 3072ULL /* pages: three times the budget */

PAGER_FIXTURE(recover)

static int sit_and_go_on(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_is(p, 0, NR, 1)); /* all have slots, some are dirty again */
	memory_fill(p, NR / 2, NR / 2 + 100, 2);
	for (uint32_t step = 2; step < 4; step++) {
		target_meet(sh, step);
		target_check(sh, memory_is(p, 0, NR / 2, step - 1));
		target_check(sh, memory_is(p, NR / 2, NR / 2 + 100, 2));
		memory_fill(p, 0, NR / 2, step);
		target_check(sh, memory_is(p, NR / 2 + 100, NR, 1));
		target_check(sh, memory_is(p, 0, NR / 2, step));
	}
	target_meet(sh, 4);
	target_check(sh, memory_is(p, 0, NR / 2, 3));
	target_check(sh, memory_is(p, NR / 2 + 100, NR, 1));
	return 0;
}

static int again(struct pager *pager, const char *disable)
{
	return pager_restart(pager, &(struct pager_options){ .disable = disable });
}

TEST_F_TIMEOUT(recover, program_goes_on, 60)
{
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, sit_and_go_on, TARGET_BUDGET);
	struct upager_record rec;

	ASSERT_TRUE(target_reached(&t, 2));
	pager_kill(pager);
	ASSERT_EQ(0, again(pager, variant->disable));
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3)) TH_LOG("%s", t.share->why);
	rec = pager_status(pager, t.pid);
	EXPECT_EQ(TARGET_BUDGET, rec.budget_bytes);
	EXPECT_LT(NR / 4, rec.evictions);
	/* Killed while it works. */
	target_let(&t, 3);
	sleep_us(1000);
	ASSERT_EQ(0, again(pager, variant->disable));
	ASSERT_TRUE(target_reached(&t, 4)) TH_LOG("%s", t.share->why);
	EXPECT_EQ(0, upager_detach(pager->client, t.pid, NULL));
	EXPECT_EQ(0, pager_stop(pager));
	target_let(&t, 4);
	EXPECT_EQ(0, target_end(&t));
}

TEST_HARNESS_MAIN
