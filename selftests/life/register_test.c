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
#include <setjmp.h>
#include <signal.h>

#define NR	    512 /* pages */
#define HUGE	    (2UL << 20)
#define ROUNDS	    60
#define REPLACED    15
#define TOGGLES	    8
#define PAUSE_US    20000 /* as long as the failpoint: what was there is not, and comes again */
#define HUGE_ROUNDS 400
#define HUGE_HITS   3

PAGER_FIXTURE_FAILING(register, "attach_seen=delay:20000,attach_registered=delay:20000")

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
		memory_fill(half, 0, NR / 2, 7);
		sleep_us(PAUSE_US);
	}
	return true;
}

static int replace_a_part(struct target_share *sh)
{
	memory_press();
	for (uint64_t i = 0; i < guard_times(REPLACED, REPLACED / 2); i++) {
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

/* Of NR pages between guards, so that nothing in it becomes one with a neighbour. */
static uint8_t *hole(void)
{
	uint8_t *p = reserve(NR + 2);

	return p && !munmap(p + PAGE_SIZE, NR * PAGE_SIZE) ? p + PAGE_SIZE : NULL;
}

static int hole_close(uint8_t *p)
{
	return munmap(p - PAGE_SIZE, (NR + 2) * PAGE_SIZE);
}

/* As a whole, while the pager reads of it and registers it; that takes one mapping. */
static bool moves_to_and_fro(uint8_t *p, uint64_t nr)
{
	for (int n = 0; n < 20; n++) {
		uint8_t *q = mremap(p, nr * PAGE_SIZE, nr * PAGE_SIZE,
				    MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

		if (q == MAP_FAILED || mremap(q, nr * PAGE_SIZE, nr * PAGE_SIZE,
					      MREMAP_MAYMOVE | MREMAP_FIXED, p) != p)
			return false;
		sleep_us(2000);
	}
	return true;
}

/* It grows where it is. */
static int grow_in_place(struct target_share *sh)
{
	memory_press();
	for (uint64_t i = 0; i < guard_times(ROUNDS, ROUNDS / 2); i++) {
		uint8_t *p = hole();

		target_check(sh, p);
		target_check(sh, map_at(p, NR / 2));
		memory_fill(p, 0, NR / 2, i);
		sleep_us((long)((i + 1) * 7000 % 31000));
		target_check(sh, mremap(p, NR / 2 * PAGE_SIZE, NR * PAGE_SIZE, 0) == p);
		memory_fill(p, NR / 2, NR, i);
		target_check(sh, moves_to_and_fro(p, NR));
		target_check(sh, memory_is(p, 0, NR, i));
		target_check(sh, !hole_close(p));
	}
	return 0;
}

/* Regression: only what had been read of it was registered, and it was two for mremap(). */
TEST_F_TIMEOUT(register, grown_in_place, 100)
{
	struct target t = target_start(&self->pager, grow_in_place, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 90));
}

/* It goes away, and one that reaches beyond it on both sides comes. */
static int replace_by_more(struct target_share *sh)
{
	memory_press();
	for (uint64_t i = 0; i < guard_times(ROUNDS, ROUNDS / 2); i++) {
		uint8_t *p = hole();

		target_check(sh, p);
		target_check(sh, map_at(p + NR / 4 * PAGE_SIZE, NR / 2));
		memory_fill(p, NR / 4, NR / 2, i);
		sleep_us((long)((i + 1) * 7000 % 31000));
		target_check(sh, !munmap(p + NR / 4 * PAGE_SIZE, NR / 2 * PAGE_SIZE));
		target_check(sh, map_at(p, NR));
		memory_fill(p, 0, NR, i);
		target_check(sh, moves_to_and_fro(p, NR));
		target_check(sh, memory_is(p, 0, NR, i));
		target_check(sh, !hole_close(p));
	}
	return 0;
}

/* Regression: where the first one had been was registered, a part of the other. */
TEST_F_TIMEOUT(register, replaced_by_more, 100)
{
	struct target t = target_start(&self->pager, replace_by_more, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 90));
}

static sigjmp_buf no_page;

static void on_sigbus(int sig)
{
	(void)sig;
	siglongjmp(no_page, 1);
}

/* Whether it is touched in the end, or the program is told that there are no such pages. */
static void touch_huge(volatile uint8_t *p)
{
	if (!sigsetjmp(no_page, 1))
		p[0] = 1;
}

static bool is_registered(const uint8_t *p)
{
	char line[512], start[32];
	bool at = false, is = false;
	FILE *f = fopen("/proc/self/smaps", "r");

	snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, start, strlen(start)))
			at = true;
		else if (at && !strncmp(line, "VmFlags:", 8)) {
			is = strstr(line, " um");
			break;
		}
	}
	if (f)
		fclose(f);
	return is;
}

/* Huge pages come where there was nothing behind what is being registered. */
static int huge_pages_behind_it(struct target_share *sh)
{
	unsigned int hits = 0;

	signal(SIGBUS, on_sigbus);
	memory_press();
	for (uint64_t i = 0; i < HUGE_ROUNDS && hits < HUGE_HITS; i++) {
		uint8_t *p = reserve(4 * HUGE / PAGE_SIZE), *huge;

		target_check(sh, p);
		huge = (uint8_t *)(((uintptr_t)p + 2 * HUGE - 1) & ~(HUGE - 1));
		target_check(sh, !munmap(huge - HUGE / 2, HUGE / 2 + HUGE));
		target_check(sh, map_at(huge - HUGE, NR / 2));
		memory_fill(huge - HUGE, 0, NR / 2, i);
		sleep_us((long)((i + 1) * 7000 % 31000));
		if (mmap(huge, HUGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE | MAP_FIXED, -1,
			 0) != huge)
			return KSFT_SKIP;
		sleep_us(40000);
		hits += is_registered(huge);
		touch_huge(huge);
		target_check(sh, !is_registered(huge));
		target_check(sh, memory_is(huge - HUGE, 0, NR / 2, i));
		target_check(sh, !munmap(p, 4 * HUGE));
	}
	target_check(sh, hits);
	return 0;
}

/* Regression: they were registered with it, and touching them waited for ever. */
TEST_F_TIMEOUT(register, huge_pages_behind_it, 100)
{
	struct target t = target_start(&self->pager, huge_pages_behind_it, TARGET_BUDGET);
	int status = target_end_within(&t, 90);

	if (status == KSFT_SKIP)
		SKIP(return, "no huge pages in this kernel");
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
