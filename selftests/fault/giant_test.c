// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 240
 *
 * Mappings much larger than what is used of them, and very many of them.
 */
#include "kernel/max_map_count.h"
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <pthread.h>

PAGER_FIXTURE(giant)

/* ---- 1 TiB with a page touched here and there ---- */

#define GIANT	(1ULL << 40)
#define TOUCHED 4096ULL /* pages: four times the budget */
#define STRIDE	(GIANT / TOUCHED)
#define SEED	1

static bool touched_are(const uint8_t *p, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end; i++)
		if (!memory_page_is(p + i * STRIDE, SEED, i))
			return false;
	return true;
}

static int touch_here_and_there(struct target_share *sh)
{
	uint8_t *p = mmap(NULL, GIANT, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	target_check(sh, p != MAP_FAILED);
	target_check(sh, !madvise(p, GIANT, MADV_NOHUGEPAGE));
	memory_press(); /* registered by now */
	target_meet(sh, 2);
	for (uint64_t i = 0; i < TOUCHED; i++)
		memory_fill_page(p + i * STRIDE, SEED, i);
	target_check(sh, touched_are(p, 0, TOUCHED));
	target_meet(sh, 3);
	for (uint64_t i = 0; i < TOUCHED; i++)
		target_check(sh, memory_page_is_zero(p + i * STRIDE + PAGE_SIZE));
	target_check(sh, !munmap(p, GIANT / 2));
	target_check(sh, touched_are(p, TOUCHED / 2, TOUCHED));
	target_meet(sh, 4);
	target_check(sh, touched_are(p, TOUCHED / 2, TOUCHED));
	target_check(sh, !munmap(p + GIANT / 2, GIANT / 2));
	target_meet(sh, 5);
	return 0;
}

static uint64_t nr_tables(struct pager *pg)
{
	struct upager_record rec;

	return upager_ping(pg->client, &rec) ? ~0ULL : rec.table_bytes / PAGE_SIZE;
}

/* Tables that lead to the leaves: one for each GiB, and few above. */
#define ABOVE (GIANT >> 30)
#define FEW   16

TEST_F_TIMEOUT(giant, a_page_here_and_there, 120)
{
	struct target t = target_start(&self->pager, touch_here_and_there, TARGET_BUDGET);
	uint64_t before;

	ASSERT_TRUE(target_reached(&t, 2));
	before = nr_tables(&self->pager);
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3));
	EXPECT_GE(nr_tables(&self->pager), before + TOUCHED);
	EXPECT_LE(nr_tables(&self->pager), before + TOUCHED + ABOVE + FEW);
	target_let(&t, 3);
	ASSERT_TRUE(target_reached(&t, 4));
	/* The events are read when munmap() returns, and applied soon. */
	EXPECT_TRUE(
		wait_until(10, nr_tables(&self->pager) <= before + (TOUCHED + ABOVE) / 2 + FEW));
	target_let(&t, 4);
	ASSERT_TRUE(target_reached(&t, 5));
	/* Regression: tables that led to no leaf any more stayed. */
	EXPECT_TRUE(wait_until(10, nr_tables(&self->pager) <= before + FEW));
	target_let(&t, 5);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_TRUE(wait_until(20, nr_tables(&self->pager) == 0));
}

/* All of it goes back to a program that is paged no longer. */
static int keep_after_detach(struct target_share *sh)
{
	uint8_t *p = mmap(NULL, GIANT, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	target_check(sh, p != MAP_FAILED);
	for (uint64_t i = 0; i < TOUCHED; i++)
		memory_fill_page(p + i * STRIDE, SEED, i);
	target_meet(sh, 2);
	for (uint64_t i = 0; i < TOUCHED; i++)
		target_check(sh, memory_resident(p + i * STRIDE, 1) == 1);
	target_check(sh, touched_are(p, 0, TOUCHED));
	return 0;
}

TEST_F_TIMEOUT(giant, goes_back, 120)
{
	struct target t = target_start(&self->pager, keep_after_detach, TARGET_BUDGET);

	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_EQ(0, upager_detach(self->pager.client, t.pid, NULL));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

/* ---- as many mappings as the kernel allows ---- */

#define STRIPES		50000ULL /* pages, each a mapping of its own */
#define MAPS_NEEDED	60000
/* Without UFFDIO_MOVE all mappings are read for each batch, with the program stopped. */
#define STRIPES_STOPPED 4000ULL

static uint64_t nr_stripes;

static bool stripe(uint8_t *p)
{
	for (uint64_t i = 1; i < nr_stripes; i += 2)
		if (mprotect(p + i * PAGE_SIZE, PAGE_SIZE, PROT_NONE))
			return false;
	return true;
}

static bool even_are(const uint8_t *p, uint64_t seed)
{
	for (uint64_t i = 0; i < nr_stripes; i += 2)
		if (!memory_page_is(p + i * PAGE_SIZE, seed, i))
			return false;
	return true;
}

static _Atomic bool changing;

/* The pager finds no two looks at the mappings alike. */
static void *change(void *unused)
{
	while (atomic_load(&changing)) {
		uint8_t *p = memory_map(4);

		p[0] = 1;
		sleep_us(1000);
		munmap(p, 4 * PAGE_SIZE);
	}
	return unused;
}

static int live_in_stripes(struct target_share *sh)
{
	uint8_t *p = memory_map(nr_stripes);
	pthread_t thread;

	atomic_store(&changing, true);
	target_check(sh, !pthread_create(&thread, NULL, change, NULL));
	target_check(sh, stripe(p));
	for (uint64_t i = 0; i < nr_stripes; i += 2)
		memory_fill_page(p + i * PAGE_SIZE, 1, i);
	target_check(sh, even_are(p, 1));
	memory_press_on();
	target_check(sh, !mprotect(p, nr_stripes * PAGE_SIZE, PROT_READ | PROT_WRITE));
	target_check(sh, even_are(p, 1));
	for (uint64_t i = 1; i < nr_stripes; i += 2)
		target_check(sh, memory_page_is_zero(p + i * PAGE_SIZE));
	memory_fill(p, 0, nr_stripes / 4, 2);
	target_check(sh, stripe(p));
	target_check(sh, !mprotect(p, nr_stripes * PAGE_SIZE, PROT_READ | PROT_WRITE));
	target_check(sh, memory_is(p, 0, nr_stripes / 4, 2));
	atomic_store(&changing, false);
	pthread_join(thread, NULL);
	target_meet(sh, 2);
	return 0;
}

/* Regression: the pager took so long to look at each of them that the program stood still. */
TEST_F_TIMEOUT(giant, fifty_thousand_mappings, 120)
{
	struct pager_options opt = { .disable = variant->disable, .area_bytes = 256 * MIB };
	struct upager_record rec;
	struct pager roomy;
	struct target t;
	uint64_t slowest_ns = 0, nr = 0;

	if (max_map_count() < MAPS_NEEDED)
		SKIP(return, "vm.max_map_count is too low");
	ASSERT_EQ(0, pager_start(&roomy, &opt));
	nr_stripes = variant->disable ? STRIPES_STOPPED : STRIPES;
	t = target_start(&roomy, live_in_stripes, TARGET_BUDGET);
	while (!target_is_over(&t) && atomic_load(&t.share->at) < 2) {
		uint64_t begin_ns = now_ns();

		EXPECT_EQ(0, upager_ping(roomy.client, &rec));
		if (now_ns() - begin_ns > slowest_ns)
			slowest_ns = now_ns() - begin_ns;
		nr++;
		sleep_us(5000);
	}
	TH_LOG("%llu answers, the slowest after %llu ms", (unsigned long long)nr,
	       (unsigned long long)slowest_ns / 1000000);
	EXPECT_GT(pager_status(&roomy, t.pid).evictions, nr_stripes / 4);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&roomy));
	pager_fini(&roomy);
}

TEST_HARNESS_MAIN
