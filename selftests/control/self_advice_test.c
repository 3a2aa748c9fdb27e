// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * What hints do can be seen in what is resident, and in the counters.
 */
#include "selftests/control/self.h"

#include <kselftest_harness.h>

SELF_FIXTURE(self_advice)

#define BUDGET_PAGES (SELF_BUDGET / PAGE_SIZE)
/* Parts of the range: the clock's hand comes to the front one first. */
#define FRONT	     256ULL
#define BACK	     512ULL /* from here on: others */

static uint8_t *area;
static struct upager *up;

static void *page(uint64_t n)
{
	return area + n * PAGE_SIZE;
}

static uint64_t resident(uint64_t first, uint64_t end)
{
	return memory_resident(page(first), end - first);
}

static int advise(uint64_t first, uint64_t end, enum upager_advice advice)
{
	return upager_advise(up, page(first), (end - first) * PAGE_SIZE, advice);
}

static int begin(struct target_share *sh)
{
	area = memory_map(SELF_PAGES);
	up = self_open();
	target_check(sh, up);
	self_ok(sh, up, upager_join(up, SELF_BUDGET));
	self_ok(sh, up, upager_register(up, area, SELF_BYTES));
	return 0;
}

/* Pages of [first, end) are used until none of [out_first, out_end) is there. */
static bool push_out(uint64_t first, uint64_t end, uint64_t out_first, uint64_t out_end)
{
	for (int round = 0; round < 10; round++) {
		memory_fill(area, first, end, 100);
		if (!resident(out_first, out_end))
			return true;
	}
	return false;
}

static int end(struct target_share *sh, uint64_t seed)
{
	target_check(sh, memory_is(area, 0, FRONT, seed));
	self_ok(sh, up, upager_unregister(up, area, SELF_BYTES));
	target_check(sh, memory_is(area, 0, FRONT, seed));
	target_check(sh, self_status(up).pid == 0);
	upager_close(up);
	return 0;
}

/* By the clock the front would go first. */
static int cold(struct target_share *sh)
{
	if (begin(sh))
		return 1;
	memory_fill(area, 0, 3 * FRONT, 1);
	target_check(sh, resident(0, 3 * FRONT) == 3 * FRONT);
	self_ok(sh, up, advise(2 * FRONT, 3 * FRONT, UPAGER_COLD));
	memory_fill(area, 3 * FRONT, 4 * FRONT, 1);
	target_check(sh, wait_until(20, resident(2 * FRONT, 3 * FRONT) <= FRONT - 100));
	target_check(sh, resident(0, 2 * FRONT) == 2 * FRONT);
	target_check(sh, memory_is(area, 0, 4 * FRONT, 1));
	return end(sh, 1);
}

static int pinned(struct target_share *sh)
{
	if (begin(sh))
		return 1;
	memory_fill(area, 0, FRONT, 1);
	target_check(sh, push_out(BACK, SELF_PAGES, 0, FRONT));
	self_ok(sh, up, advise(0, FRONT, UPAGER_PIN));
	target_check(sh, resident(0, FRONT) == FRONT);
	for (int round = 0; round < 3; round++) {
		memory_fill(area, BACK, SELF_PAGES, 100);
		target_check(sh, resident(0, FRONT) == FRONT);
	}
	/* Nothing but NORMAL ends it. */
	self_ok(sh, up, advise(0, FRONT, UPAGER_COLD));
	memory_fill(area, BACK, SELF_PAGES, 100);
	target_check(sh, resident(0, FRONT) == FRONT);
	self_ok(sh, up, advise(0, FRONT, UPAGER_NORMAL));
	target_check(sh, push_out(BACK, SELF_PAGES, 0, FRONT));
	target_check(sh, advise(0, BUDGET_PAGES, UPAGER_PIN) == -ENOMEM);
	return end(sh, 1);
}

static int willneed(struct target_share *sh)
{
	uint64_t faults;

	if (begin(sh))
		return 1;
	memory_fill(area, 0, FRONT, 1);
	target_check(sh, push_out(BACK, SELF_PAGES, 0, FRONT));
	self_ok(sh, up, upager_join(up, 2 * SELF_BYTES));
	faults = self_status(up).faults;
	self_ok(sh, up, advise(0, FRONT, UPAGER_WILLNEED));
	target_check(sh, wait_until(20, resident(0, FRONT) == FRONT));
	target_check(sh, memory_is(area, 0, FRONT, 1));
	target_check(sh, self_status(up).faults == faults);
	return end(sh, 1);
}

/* Out of the way as far as the swap area, so that they come back by reads. */
static bool push_far(void)
{
	return push_out(BACK, SELF_PAGES, 0, FRONT) && push_out(BACK, SELF_PAGES, 0, FRONT) &&
	       push_out(BACK, SELF_PAGES, 0, FRONT);
}

static int streams(struct target_share *sh)
{
	struct upager_record before, after;

	if (begin(sh))
		return 1;
	memory_fill(area, 0, FRONT, 1);
	target_check(sh, push_far());
	self_ok(sh, up, upager_join(up, 2 * SELF_BYTES));
	self_ok(sh, up, advise(0, FRONT, UPAGER_RANDOM));
	before = self_status(up);
	target_check(sh, memory_is(area, 0, FRONT / 2, 1));
	after = self_status(up);
	target_check(sh, after.swap_ins - before.swap_ins == FRONT / 2);
	target_check(sh, after.readahead_pages == before.readahead_pages);
	target_check(sh, resident(0, FRONT) == FRONT / 2);
	/* One page, and with it what lies ahead in the swap area. */
	self_ok(sh, up, advise(0, FRONT, UPAGER_SEQUENTIAL));
	target_check(sh, memory_is(area, FRONT / 2, FRONT / 2 + 1, 1));
	target_check(sh, resident(0, FRONT) > FRONT / 2 + 8);
	self_ok(sh, up, advise(0, FRONT, UPAGER_NORMAL));
	return end(sh, 1);
}

/* What goes through in order takes nobody else's place. */
static int behind(struct target_share *sh)
{
	if (begin(sh))
		return 1;
	self_ok(sh, up, advise(BACK, SELF_PAGES, UPAGER_SEQUENTIAL));
	memory_fill(area, 0, FRONT, 1);
	for (uint64_t seed = 2; seed < 4; seed++) {
		memory_fill(area, BACK, SELF_PAGES, seed);
		target_check(sh, resident(0, FRONT) == FRONT);
		target_check(sh, memory_is(area, BACK, SELF_PAGES, seed));
		target_check(sh, resident(0, FRONT) == FRONT);
	}
	target_check(sh, self_status(up).evictions > SELF_PAGES);
	return end(sh, 1);
}

/* With the memory, wherever that goes, and no longer. */
static int moved(struct target_share *sh)
{
	uint8_t *hole = memory_map(FRONT), *q;

	if (begin(sh))
		return 1;
	memory_fill(area, 0, FRONT, 1);
	self_ok(sh, up, advise(0, FRONT, UPAGER_PIN));
	q = mremap(area, FRONT * PAGE_SIZE, FRONT * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, hole);
	target_check(sh, q == hole);
	/* In two parts by now. */
	target_check(sh, !munmap(q + FRONT / 2 * PAGE_SIZE, PAGE_SIZE));
	memory_fill(area, BACK, SELF_PAGES, 100);
	memory_fill(area, BACK, SELF_PAGES, 101);
	target_check(sh, memory_resident(q, FRONT / 2) == FRONT / 2);
	target_check(sh, memory_resident(q + (FRONT / 2 + 1) * PAGE_SIZE, FRONT / 2 - 1) ==
				 FRONT / 2 - 1);
	/* Something else in its place knows nothing of it. */
	target_check(sh, mmap(q, FRONT / 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == q);
	self_ok(sh, up, upager_register(up, q, FRONT / 2 * PAGE_SIZE));
	memory_fill(q, 0, FRONT / 2, 7);
	target_check(sh, wait_until(30, (memory_fill(area, BACK, SELF_PAGES, 102),
					 memory_resident(q, FRONT / 2) == 0)));
	target_check(sh, memory_is(q, 0, FRONT / 2, 7));
	upager_close(up);
	return 0;
}

#define ADVICE_TEST(name)                               \
	TEST_F_TIMEOUT(self_advice, name, 120)          \
	{                                               \
		EXPECT_EQ(0, self_run(name));           \
		EXPECT_EQ(0, pager_stop(&self->pager)); \
	}

ADVICE_TEST(cold)
ADVICE_TEST(pinned)
ADVICE_TEST(willneed)
ADVICE_TEST(streams)
ADVICE_TEST(behind)
ADVICE_TEST(moved)

/* Regression: what was offered and found no room was forgotten, and others went in its place. */
TEST_F_TIMEOUT(self_advice, behind_with_little_room, 120)
{
	struct pager_options opt = {
		.failpoints = "pool_grow=err:12,evict_submit=delay:1000",
	};

	EXPECT_EQ(0, pager_stop(&self->pager));
	pager_fini(&self->pager);
	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	EXPECT_EQ(0, self_run(behind));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
