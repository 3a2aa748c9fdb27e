// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 200
 *
 * Very many paged programs at once.
 */
#include "kernel/meminfo.h"
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define PROGRAMS     200
#define NR	     1536u /* pages of each: one and a half budgets */
/* Budget and pool of each, and a little. */
#define NEEDED_BYTES (10 * MIB)

/* As target_meet(), but that so many would do nothing else. */
static void meet_seldom(struct target_share *sh, uint32_t step)
{
	atomic_store(&sh->at, step);
	while (atomic_load(&sh->go) < step)
		sleep_us(50000);
}

/* From the end, so that a third comes in and not all of it. */
static bool check_backwards(const uint8_t *p, uint64_t seed)
{
	for (uint64_t i = NR; i-- > 0;)
		if (!memory_page_is(p + i * PAGE_SIZE, seed, i))
			return false;
	return true;
}

static int live_among_many(struct target_share *sh)
{
	uint64_t seed = atomic_load(&sh->value[0]);
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, seed);
	meet_seldom(sh, 2); /* all of them are paged */
	target_check(sh, check_backwards(p, seed));
	memory_fill(p, 0, NR / 4, seed + 1);
	meet_seldom(sh, 3);
	target_check(sh, memory_is(p, 0, NR / 4, seed + 1));
	return 0;
}

static struct target target[PROGRAMS];

static bool start_all(struct pager *pg)
{
	for (uint64_t i = 0; i < PROGRAMS; i++) {
		target[i] = target_fork(live_among_many);
		atomic_store(&target[i].share->value[0], 10 * i + 1);
		if (target_attach(pg, &target[i], TARGET_BUDGET))
			return false;
		target_let(&target[i], 1);
	}
	return true;
}

static bool all_reached(uint32_t step)
{
	for (uint64_t i = 0; i < PROGRAMS; i++) {
		if (!target_reached(&target[i], step)) {
			fprintf(stderr, "# program %llu: %s\n", (unsigned long long)i,
				target[i].share->why);
			return false;
		}
		target_let(&target[i], step);
	}
	return true;
}

static uint64_t outside_pages(struct pager *pg)
{
	struct upager_record *list = NULL;
	uint64_t pages = 0;
	uint32_t n = 0;

	if (!upager_status(pg->client, 0, &list, &n))
		for (uint32_t i = 0; i < n; i++)
			pages += (list[i].swapped_bytes + list[i].standby_bytes) / PAGE_SIZE;
	free(list);
	return pages;
}

FIXTURE(many)
{
	struct pager pager;
};

FIXTURE_SETUP(many)
{
	struct pager_options opt = { .area_bytes = 1536 * MIB };

	if (meminfo_bytes("MemAvailable:") < PROGRAMS * NEEDED_BYTES)
		SKIP(return, "too little memory for %u programs", PROGRAMS);
	ASSERT_EQ(0, pager_start(&self->pager, &opt));
}

FIXTURE_TEARDOWN(many)
{
	if (_metadata->exit_code != KSFT_PASS)
		pager_show_log(&self->pager);
	pager_fini(&self->pager);
}

TEST_F_TIMEOUT(many, two_hundred_programs, 150)
{
	struct upager_record rec;

	ASSERT_TRUE(start_all(&self->pager));
	EXPECT_TRUE(all_reached(2));
	for (uint64_t i = 0; i < PROGRAMS; i++)
		EXPECT_TRUE(target_reached(&target[i], 3));
	EXPECT_TRUE(wait_until(20, outside_pages(&self->pager) >= PROGRAMS));
	ASSERT_EQ(0, upager_ping(self->pager.client, &rec));
	EXPECT_TRUE(all_reached(3));
	for (uint64_t i = 0; i < PROGRAMS; i++) {
		EXPECT_EQ(0, target_end(&target[i]))
		TH_LOG("program %llu", (unsigned long long)i);
	}
	EXPECT_TRUE(wait_until(20, !upager_ping(self->pager.client, &rec) && !rec.table_bytes &&
					   rec.slots_free == rec.slots_total));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

#define LARGE	   24576u /* pages, one beside the other */
#define FEW_TABLES 16u /* that lead there, and those of its other mappings */

static int be_large(struct target_share *sh)
{
	uint8_t *p = memory_map(LARGE);

	memory_fill(p, 0, LARGE, 1);
	target_meet(sh, 2);
	target_check(sh, memory_is(p, 0, LARGE, 1));
	return 0;
}

/* Beyond the pool of each program and what is there at the start, 20 bytes for a page outside. */
TEST_F_TIMEOUT(many, memory_of_the_pager, 60)
{
	struct upager_record before, rec;
	uint64_t used, words;
	struct target t;

	ASSERT_EQ(0, upager_ping(self->pager.client, &before));
	t = target_start(&self->pager, be_large, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_EQ(0, upager_ping(self->pager.client, &rec));
	used = rec.slots_total - rec.slots_free;
	EXPECT_GT(used, LARGE / 2);
	words = rec.table_bytes + rec.slot_bytes * used / rec.slots_total;
	EXPECT_LE(words, 20 * used + FEW_TABLES * PAGE_SIZE);
	EXPECT_GT(rec.pool_bytes, before.pool_bytes);
	EXPECT_LE(rec.memory_bytes - before.memory_bytes,
		  rec.pool_bytes - before.pool_bytes + rec.table_bytes + MIB);
	TH_LOG("%llu pages outside, %llu bytes for each, all grew by %llu",
	       (unsigned long long)used, (unsigned long long)(words / used),
	       (unsigned long long)(rec.memory_bytes - before.memory_bytes));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

TEST_HARNESS_MAIN
