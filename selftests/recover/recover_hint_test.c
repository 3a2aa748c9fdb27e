// SPDX-License-Identifier: GPL-2.0-only
/* What a program said of its memory holds after the death of the daemon that it was said to. */
#include "selftests/control/self.h"

#include <kselftest_harness.h>

SELF_FIXTURE(recover_hint)

#define NR   256ULL /* pages that are pinned; others begin at BACK */
#define BACK 512ULL

static uint8_t *area;

static void use_others(void)
{
	for (uint64_t round = 100; round < 103; round++)
		memory_fill(area, BACK, SELF_PAGES, round);
}

static int pin(struct target_share *sh, struct upager **up)
{
	area = memory_map(SELF_PAGES);
	*up = self_open();
	target_check(sh, *up);
	self_ok(sh, *up, upager_join(*up, SELF_BUDGET));
	self_ok(sh, *up, upager_register(*up, area, SELF_BYTES));
	memory_fill(area, 0, NR, 1);
	self_ok(sh, *up, upager_advise(*up, area, NR * PAGE_SIZE, UPAGER_PIN));
	return 0;
}

static int stay_pinned(struct target_share *sh)
{
	struct upager *up;

	if (pin(sh, &up))
		return 1;
	use_others();
	target_meet(sh, 2);
	use_others();
	target_check(sh, memory_resident(area, NR) == NR);
	upager_close(up);
	up = self_open();
	target_check(sh, up);
	/* And ends when it is to. */
	self_ok(sh, up, upager_advise(up, area, NR * PAGE_SIZE, UPAGER_NORMAL));
	target_check(sh, wait_until(20, (use_others(), !memory_resident(area, NR))));
	target_meet(sh, 3);
	use_others();
	target_check(sh, wait_until(20, (use_others(), !memory_resident(area, NR))));
	target_check(sh, memory_is(area, 0, NR, 1));
	upager_close(up);
	return 0;
}

TEST_F_TIMEOUT(recover_hint, pin_is_kept, 60)
{
	struct pager_options opt = { 0 };
	struct target t = target_fork(stay_pinned);

	target_let(&t, 1);
	for (uint32_t step = 2; step < 4; step++) {
		ASSERT_TRUE(target_reached(&t, step)) TH_LOG("%s", t.share->why);
		pager_kill(&self->pager);
		ASSERT_EQ(0, pager_restart(&self->pager, &opt));
		target_let(&t, step);
	}
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* The daemon dies with the event, and with what came of it, in its hands. */
static int move_pinned(struct target_share *sh)
{
	uint8_t *hole = memory_map(NR), *q;
	struct upager *up;

	if (pin(sh, &up))
		return 1;
	upager_close(up);
	target_meet(sh, 2);
	q = mremap(area, NR * PAGE_SIZE, NR * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, hole);
	target_check(sh, q == hole);
	/* In two parts from now on. */
	target_check(sh, !munmap(q + NR / 2 * PAGE_SIZE, PAGE_SIZE));
	target_meet(sh, 3);
	use_others();
	target_check(sh, memory_resident(q, NR / 2) == NR / 2);
	target_check(sh, memory_resident(q + (NR / 2 + 1) * PAGE_SIZE, NR / 2 - 1) == NR / 2 - 1);
	target_check(sh, memory_is(q, 0, NR / 2, 1) && memory_is(q, NR / 2 + 1, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(recover_hint, pin_moves_on, 60)
{
	struct pager_options opt = { .failpoints = "event_applied=kill@1" };
	struct target t = target_fork(move_pinned);
	int status;

	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2)) TH_LOG("%s", t.share->why);
	ASSERT_EQ(0, pager_restart(&self->pager, &opt));
	target_let(&t, 2);
	ASSERT_TRUE(wait_until(20, pager_ended(&self->pager, &status)));
	opt.failpoints = NULL;
	ASSERT_EQ(0, pager_restart(&self->pager, &opt));
	ASSERT_TRUE(target_reached(&t, 3)) TH_LOG("%s", t.share->why);
	ASSERT_EQ(0, pager_restart(&self->pager, &opt));
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
