// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 240
 *
 * Mappings that change between the moment at which the pager reads of them and
 * that at which it registers them, which takes long here.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR	 512 /* pages */
#define ROUNDS	 15
#define REPLACED 5
#define TOGGLES	 50
#define PAUSE_US 11000

FIXTURE(register)
{
	struct pager pager;
};
FIXTURE_VARIANT(register)
{
	const char *disable;
};
FIXTURE_VARIANT_ADD(register, move){ .disable = NULL };
FIXTURE_VARIANT_ADD(register, stopped){ .disable = "move" };

FIXTURE_SETUP(register)
{
	struct pager_options opt = {
		.disable = variant->disable,
		.failpoints = "attach_seen=delay:20000",
	};

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
}

FIXTURE_TEARDOWN(register)
{
	if (_metadata->exit_code != KSFT_PASS)
		pager_show_log(&self->pager);
	pager_fini(&self->pager);
}

static uint8_t *reserve(uint64_t nr_pages)
{
	uint8_t *p = mmap(NULL, nr_pages * PAGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool map_at(uint8_t *p, uint64_t nr_pages)
{
	return mmap(p, nr_pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p;
}

/* Its upper half goes away and comes anew: half of the time there is a hole. */
static bool toggle(uint8_t *half)
{
	for (int n = 0; n < TOGGLES; n++) {
		if (munmap(half, NR / 2 * PAGE_SIZE))
			return false;
		sleep_us(PAUSE_US);
		if (!map_at(half, NR / 2))
			return false;
		half[0] = 1;
		sleep_us(PAUSE_US);
	}
	return true;
}

static int replace_a_part(struct target_share *sh)
{
	memory_press();
	for (uint64_t i = 0; i < REPLACED; i++) {
		uint8_t *p = reserve(NR + 2);

		target_check(sh, p);
		p += PAGE_SIZE; /* never a neighbour of another */
		target_check(sh, map_at(p, NR));
		memory_fill(p, 0, NR / 2, i);
		target_check(sh, toggle(p + NR / 2 * PAGE_SIZE));
		memory_fill(p, NR / 2, NR, i);
		memory_press();
		memory_press();
		target_check(sh, memory_is(p, 0, NR, i));
		target_check(sh, !munmap(p - PAGE_SIZE, (NR + 2) * PAGE_SIZE));
	}
	return 0;
}

/* Regression: pages left what was not registered, and read as zeros. */
TEST_F_TIMEOUT(register, replaced_in_part, 100)
{
	struct target t = target_start(&self->pager, replace_a_part, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 90));
}

/* It grows where it is, and is moved as a whole, which takes one mapping. */
static int grow_in_place(struct target_share *sh)
{
	memory_press();
	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint8_t *p = reserve(NR + 2), *q;

		target_check(sh, p);
		p += PAGE_SIZE;
		target_check(sh, !munmap(p, NR * PAGE_SIZE));
		target_check(sh, map_at(p, NR / 2));
		memory_fill(p, 0, NR / 2, i);
		sleep_us((long)((i + 1) * 7000 % 31000));
		target_check(sh, mremap(p, NR / 2 * PAGE_SIZE, NR * PAGE_SIZE, 0) == p);
		memory_fill(p, NR / 2, NR, i);
		for (int n = 0; n < 20; n++) {
			q = mremap(p, NR * PAGE_SIZE, NR * PAGE_SIZE,
				   MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
			target_check(sh, q != MAP_FAILED);
			target_check(sh, mremap(q, NR * PAGE_SIZE, NR * PAGE_SIZE,
						MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
			sleep_us(2000);
		}
		target_check(sh, memory_is(p, 0, NR, i));
		target_check(sh, !munmap(p - PAGE_SIZE, (NR + 2) * PAGE_SIZE));
	}
	return 0;
}

/* Regression: only what had been read of it was registered, and it was two for mremap(). */
TEST_F_TIMEOUT(register, grown_in_place, 100)
{
	struct target t = target_start(&self->pager, grow_in_place, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 90));
}

TEST_HARNESS_MAIN
