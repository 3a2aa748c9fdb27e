// SPDX-License-Identifier: GPL-2.0-only
/* What a paged program locks is there from then on, until it unlocks it. */
#include "selftests/cost.h"
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <pthread.h>

#define NR   512 /* pages */
#define MUCH 65536 /* pages: 256 MiB */

PAGER_FIXTURE(locked)

/* More than the budget, in mappings that are not locked. */
static void press_anew(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		uint8_t *q = memory_map(2 * NR);

		memory_fill(q, 0, 2 * NR, 9);
		sleep_us(20000);
		munmap(q, 2 * NR * PAGE_SIZE);
	}
}

/* Over the budget with nothing that may leave; long enough for the pager to try. */
static bool stays(const uint8_t *p, uint64_t nr_pages)
{
	for (int i = 0; i < 5; i++) {
		press_anew(1);
		if (memory_resident(p, nr_pages) != nr_pages)
			return false;
	}
	return true;
}

/* Locked as it is touched: not brought in, but what is touched stays. */
static int lock_on_fault(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, !mlock2(p, NR * PAGE_SIZE, MLOCK_ONFAULT));
	target_check(sh, memory_resident(p, NR) < NR);
	target_check(sh, memory_is(p, 0, NR / 2, 1));
	target_check(sh, stays(p, NR / 2));
	target_check(sh, memory_is(p, 0, NR, 1));
	memory_fill(p, 0, NR, 2);
	target_check(sh, stays(p, NR));
	target_check(sh, memory_is(p, 0, NR, 2));
	target_check(sh, !munlock(p, NR * PAGE_SIZE));
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, memory_is(p, 0, NR, 2));
	return 0;
}

TEST_F_TIMEOUT(locked, as_it_is_touched, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, lock_on_fault));
}

/* Beyond the budget, on the device and in standby, and staging with it [F16]. */
static int lock_everything(struct target_share *sh)
{
	uint8_t *p = memory_map(2 * NR), *q = memory_map(NR), *r;

	memory_fill(p, 0, 2 * NR, 1);
	target_check(sh, memory_push_far(p, 2 * NR));
	memory_fill(q, 0, NR, 2);
	target_check(sh, memory_push_out(q, NR));
	target_check(sh, !mlockall(MCL_CURRENT | MCL_FUTURE));
	target_check(sh, memory_resident(p, 2 * NR) == 2 * NR && memory_resident(q, NR) == NR);
	target_check(sh, stays(p, 2 * NR) && stays(q, NR));
	target_check(sh, memory_is(p, 0, 2 * NR, 1) && memory_is(q, 0, NR, 2));
	r = memory_map(NR);
	target_check(sh, memory_resident(r, NR) == NR);
	memory_fill(r, 0, NR, 3);
	target_check(sh, stays(r, NR) && stays(p, 2 * NR));
	target_check(sh, !munlockall());
	target_check(sh, memory_push_far(p, 2 * NR) && memory_push_out(r, NR));
	target_check(sh, memory_is(p, 0, 2 * NR, 1) && memory_is(q, 0, NR, 2));
	target_check(sh, memory_is(r, 0, NR, 3));
	return 0;
}

TEST_F_TIMEOUT(locked, everything_and_all_to_come, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, lock_everything));
}

static _Atomic bool pressing;

static void *press(void *unused)
{
	while (atomic_load(&pressing))
		memory_press();
	return unused;
}

/* What was there at the one time is there at the other. */
static bool all_back(const uint8_t *p, const unsigned char *was)
{
	unsigned char is[NR];
	bool all = true;

	if (mincore((void *)(uintptr_t)p, NR * PAGE_SIZE, is))
		return false;
	for (int i = 0; i < NR; i++)
		all &= !(was[i] & 1) || is[i] & 1;
	return all;
}

/*
 * Regression: staging is locked as well then, and of one lock to the other
 * pages could be moved: those of the batches that were under way left.
 */
static int lock_amid_eviction(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	unsigned char was[NR];
	pthread_t thread;

	memory_fill(p, 0, NR, 1);
	for (int i = 0; i < 4; i++) {
		atomic_store(&pressing, true);
		target_check(sh, !pthread_create(&thread, NULL, press, NULL));
		sleep_us(20000);
		target_check(sh, memory_is(p, 0, NR, 1));
		target_check(sh, !mlockall(MCL_CURRENT | MCL_ONFAULT));
		target_check(sh, !mincore(p, sizeof(was) * PAGE_SIZE, was));
		atomic_store(&pressing, false);
		pthread_join(thread, NULL);
		press_anew(2);
		/* One that was on its way at that moment is brought back. */
		target_check(sh, wait_until(5, all_back(p, was)));
		press_anew(1);
		target_check(sh, all_back(p, was));
		target_check(sh, !munlockall());
		target_check(sh, memory_is(p, 0, NR, 1));
	}
	return 0;
}

TEST_F_TIMEOUT(locked, amid_eviction, 90)
{
	struct target t = target_start(&self->pager, lock_amid_eviction, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 80));
}

/* Twice the budget that cannot leave, and nothing else is done. */
static int keep_locked(struct target_share *sh)
{
	uint8_t *p = memory_map(4 * NR);

	target_check(sh, !mlock(p, 4 * NR * PAGE_SIZE));
	memory_fill(p, 0, 4 * NR, 1);
	target_meet(sh, 2);
	target_check(sh, memory_resident(p, 4 * NR) == 4 * NR);
	target_check(sh, !munlock(p, 4 * NR * PAGE_SIZE));
	target_check(sh, memory_push_far(p, 4 * NR));
	target_check(sh, memory_is(p, 0, 4 * NR, 1));
	return 0;
}

static int keep_read_only(struct target_share *sh)
{
	uint8_t *p = memory_map(4 * NR);

	memory_fill(p, 0, 4 * NR, 1);
	target_check(sh, !mprotect(p, 4 * NR * PAGE_SIZE, PROT_READ));
	target_check(sh, memory_is(p, 0, 4 * NR, 1));
	target_meet(sh, 2);
	target_check(sh, !mprotect(p, 4 * NR * PAGE_SIZE, PROT_READ | PROT_WRITE));
	target_check(sh, memory_push_far(p, 4 * NR));
	target_check(sh, memory_is(p, 0, 4 * NR, 1));
	return 0;
}

/* Regression: a hundred times a second, all the time. */
static uint64_t pauses_in_vain(struct pager *pager, target_fn fn, int *result)
{
	struct target t = target_start(pager, fn, TARGET_BUDGET);
	uint64_t before = 0, after = UINT64_MAX;

	if (target_reached(&t, 2)) {
		sleep_us(1000000);
		before = pager_status(pager, t.pid).pauses;
		sleep_us(1000000);
		after = pager_status(pager, t.pid).pauses;
	}
	target_let(&t, 2);
	*result = target_end(&t);
	return after - before;
}

TEST_F_TIMEOUT(locked, no_pauses_in_vain, 60)
{
	int result;

	EXPECT_GT(12, pauses_in_vain(&self->pager, keep_locked, &result));
	EXPECT_EQ(0, result);
	EXPECT_GT(12, pauses_in_vain(&self->pager, keep_read_only, &result));
	EXPECT_EQ(0, result);
}

static int keep_much_locked(struct target_share *sh)
{
	uint8_t *p = memory_map(MUCH);

	target_check(sh, !mlock(p, MUCH * PAGE_SIZE));
	target_meet(sh, 2);
	target_meet(sh, 3);
	return 0;
}

/*
 * Regression: all of it was looked through five times a hundred times a second,
 * which took most of a processor and kept others waiting.
 */
TEST_F_TIMEOUT(locked, much_costs_little, 60)
{
	struct target t = target_start(&self->pager, keep_much_locked, TARGET_BUDGET);
	uint64_t before, ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK);

	EXPECT_TRUE(target_reached(&t, 2));
	sleep_us(1500000);
	before = cost_ticks(self->pager.pid);
	sleep_us(2000000);
	/* Where it has to be stopped for that, it is tried at times. */
	EXPECT_LT(cost_ticks(self->pager.pid) - before,
		  variant->disable ? ticks_per_s : ticks_per_s / 4);
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
}

TEST_HARNESS_MAIN
