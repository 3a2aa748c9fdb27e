// SPDX-License-Identifier: GPL-2.0-only
/* What a program does to its mappings applies to pages that are outside too. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR 1024 /* pages; a quarter of them as a part */
#define Q  (NR / 4)

#include "selftests/paged.h"

PAGER_FIXTURE(map)

static int unmap_and_map(struct target_share *sh)
{
	uint8_t *p = paged(1);

	target_check(sh, !munmap(at(p, Q), Q * PAGE_SIZE));
	target_check(sh, mmap(at(p, Q), Q * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at(p, Q));
	target_check(sh, memory_is_zero(p, Q, 2 * Q));
	memory_fill(p, Q, 2 * Q, 2);
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, memory_is(p, 0, Q, 1));
	target_check(sh, memory_is(p, Q, 2 * Q, 2));
	target_check(sh, memory_is(p, 2 * Q, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(map, munmap_forgets, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, unmap_and_map));
}

/* At once, and once the new mapping is the pager's. */
static bool zero_now_and_later(uint8_t *p, uint64_t first, uint64_t end)
{
	uint64_t middle = first + (end - first) / 2;

	if (!memory_is_zero(p, first, middle))
		return false;
	memory_press();
	memory_press();
	return memory_is_zero(p, first, end);
}

static int map_over(struct target_share *sh)
{
	uint8_t *p = paged(1);

	target_check(sh, mmap(at(p, Q), Q * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at(p, Q));
	target_check(sh, zero_now_and_later(p, Q, 2 * Q));
	target_check(sh, memory_is(p, 0, Q, 1));
	target_check(sh, memory_is(p, 2 * Q, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(map, fixed_over_forgets, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, map_over));
}

static int grow(struct target_share *sh)
{
	uint8_t *p = paged(1), *q;

	q = mremap(p, NR * PAGE_SIZE, 2 * NR * PAGE_SIZE, MREMAP_MAYMOVE);
	target_check(sh, q != MAP_FAILED);
	target_check(sh, memory_is_zero(q, NR, 2 * NR));
	target_check(sh, memory_is(q, 0, NR, 1));
	memory_fill(q, 0, 2 * NR, 2);
	target_check(sh, memory_push_far(q, 2 * NR));
	target_check(sh, memory_is(q, 0, 2 * NR, 2));
	return 0;
}

TEST_F_TIMEOUT(map, mremap_grows, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, grow));
}

static int shrink(struct target_share *sh)
{
	uint8_t *p = paged(1);

	target_check(sh, mremap(p, NR * PAGE_SIZE, Q * PAGE_SIZE, 0) == p);
	target_check(sh,
		     mmap(at(p, Q), Q * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at(p, Q));
	target_check(sh, zero_now_and_later(p, Q, 2 * Q));
	target_check(sh, memory_is(p, 0, Q, 1));
	return 0;
}

TEST_F_TIMEOUT(map, mremap_shrinks, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, shrink));
}

/* Onto a mapping whose own pages are outside as well. */
static int move_over(struct target_share *sh)
{
	uint8_t *p = paged(1), *to = paged(2);

	target_check(sh, mremap(at(p, Q), 2 * Q * PAGE_SIZE, 2 * Q * PAGE_SIZE,
				MREMAP_MAYMOVE | MREMAP_FIXED, at(to, 0)) == to);
	for (uint64_t i = 0; i < 2 * Q; i++)
		target_check(sh, memory_page_is(at(to, i), 1, Q + i));
	target_check(sh, memory_is(to, 2 * Q, NR, 2));
	target_check(sh, memory_is(p, 0, Q, 1));
	target_check(sh, memory_is(p, 3 * Q, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(map, mremap_fixed_replaces, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, move_over));
}

/* F6: the event names the old length; what lies behind the destination stays. */
static int move_and_shrink(struct target_share *sh)
{
	uint8_t *p = paged(1), *to = paged(2);

	target_check(sh, mremap(p, 2 * Q * PAGE_SIZE, Q * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				at(to, Q)) == at(to, Q));
	for (uint64_t i = 0; i < Q; i++)
		target_check(sh, memory_page_is(at(to, Q + i), 1, i));
	target_check(sh, memory_is(to, 0, Q, 2));
	target_check(sh, memory_is(to, 2 * Q, NR, 2));
	target_check(sh, memory_is(p, 2 * Q, NR, 1));
	target_check(sh, mmap(p, 2 * Q * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p);
	target_check(sh, memory_is_zero(p, 0, 2 * Q));
	return 0;
}

TEST_F_TIMEOUT(map, mremap_fixed_shrinks, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, move_and_shrink));
}

static int leave_behind(struct target_share *sh)
{
	uint8_t *p = paged(1), *q;

	q = mremap(p, NR * PAGE_SIZE, NR * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	target_check(sh, q != MAP_FAILED && q != p);
	target_check(sh, memory_is_zero(p, 0, NR));
	memory_fill(p, 0, NR, 2);
	target_check(sh, memory_is(q, 0, NR, 1));
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, memory_is(p, 0, NR, 2));
	return 0;
}

TEST_F_TIMEOUT(map, mremap_dontunmap_leaves_zeros, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, leave_behind));
}

/*
 * Unmapped untouched, long after.  Regression: that was taken for the UNMAP that
 * other moves are followed by, so what was mapped there next was thought to be
 * registered, and pages were taken out that then read as zeros.
 */
static int leave_behind_and_map_anew(struct target_share *sh)
{
	uint8_t *p = paged(1), *q;

	q = mremap(p, NR * PAGE_SIZE, NR * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	target_check(sh, q != MAP_FAILED && q != p);
	sleep_us(300000); /* for the rescan */
	target_check(sh, !munmap(p, NR * PAGE_SIZE));
	target_check(sh, mmap(p, NR * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	madvise(p, NR * PAGE_SIZE, MADV_NOHUGEPAGE);
	memory_fill(p, 0, NR, 2);
	memory_push_far(p, NR);
	target_check(sh, memory_is(q, 0, NR, 1));
	target_check(sh, memory_is(p, 0, NR, 2));
	return 0;
}

TEST_F_TIMEOUT(map, mremap_dontunmap_is_unmapped_later, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, leave_behind_and_map_anew));
}

/* As much of it is counted in pages as 32 bits do not hold. */
static int move_what_is_huge(struct target_share *sh)
{
	const uint64_t bytes = 16ULL << 40;
	uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return 0; /* not so much address space */
	madvise(p, bytes, MADV_NOHUGEPAGE);
	memory_fill(p, 0, NR, 3);
	target_check(sh, memory_push_far(p, NR));
	p = mremap(p, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)bytes);
	target_check(sh, p != MAP_FAILED);
	target_check(sh, memory_is(p, 0, NR, 3));
	return 0;
}

TEST_F_TIMEOUT(map, mremap_of_16_tib, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, move_what_is_huge));
}

/* F21: mapped beside a registered one; the kernel moves both only when they are one. */
static int move_two(struct target_share *sh)
{
	uint8_t *room =
		mmap(NULL, 3 * NR * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *p = at(room, NR / 2), *q = MAP_FAILED;

	target_check(sh, mmap(p, NR * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, mmap(at(p, NR), NR * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at(p, NR));
	/* Touched before it is registered it would never become one with the other. */
	target_check(sh, wait_until(10, (q = mremap(p, 2 * NR * PAGE_SIZE,
						    2 * NR * PAGE_SIZE + PAGE_SIZE,
						    MREMAP_MAYMOVE)) != MAP_FAILED));
	target_check(sh, memory_is(q, 0, NR, 1));
	target_check(sh, memory_is_zero(q, NR, 2 * NR));
	return 0;
}

TEST_F_TIMEOUT(map, mremap_takes_neighbours_along, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, move_two));
}

static int shrink_and_grow_heap(struct target_share *sh)
{
	uint8_t *p, *end;

	memory_press();
	p = sbrk(0);
	target_check(sh, sbrk((intptr_t)(PAGE_SIZE - (uintptr_t)p % PAGE_SIZE)) == p);
	p = sbrk((intptr_t)(NR * PAGE_SIZE));
	end = sbrk(0);
	target_check(sh, end == at(p, NR));
	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, sbrk(-(intptr_t)(2 * Q * PAGE_SIZE)) == end);
	target_check(sh, sbrk((intptr_t)(2 * Q * PAGE_SIZE)) == at(p, 2 * Q));
	target_check(sh, memory_is_zero(p, 2 * Q, NR));
	target_check(sh, memory_is(p, 0, 2 * Q, 1));
	memory_fill(p, 0, NR, 2);
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, memory_is(p, 0, NR, 2));
	return 0;
}

TEST_F_TIMEOUT(map, brk_goes_both_ways, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, shrink_and_grow_heap));
}

/* A part of what was moved is another mapping before the daemon gets to look. */
static int move_and_split(struct target_share *sh)
{
	uint8_t *p = paged(1), *to;

	to = mremap(p, NR * PAGE_SIZE, NR * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	target_check(sh, to != MAP_FAILED);
	target_check(sh, !mprotect(at(to, Q), Q * PAGE_SIZE, PROT_READ));
	target_check(sh, memory_is(to, 0, NR, 1));
	target_check(sh, memory_is_zero(p, 0, NR));
	return 0;
}

/* ... or gone. */
static int move_and_unmap(struct target_share *sh)
{
	uint8_t *p = paged(1), *to;

	to = mremap(p, NR * PAGE_SIZE, NR * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	target_check(sh, to != MAP_FAILED);
	target_check(sh, !munmap(at(to, Q), Q * PAGE_SIZE));
	target_check(sh, memory_is(to, 0, Q, 1));
	target_check(sh, memory_is(to, 2 * Q, NR, 1));
	target_check(sh, memory_is_zero(p, 0, NR));
	return 0;
}

static void run_late(struct __test_metadata *_metadata, target_fn fn, const char *disable)
{
	struct pager_options opt = { .failpoints = "fault_read=delay:5000", .disable = disable };
	struct pager pager;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	EXPECT_EQ(0, target_run(&pager, fn));
	EXPECT_EQ(0, pager_stop(&pager));
	if (_metadata->exit_code != KSFT_PASS)
		pager_show_log(&pager);
	pager_fini(&pager);
}

TEST(what_mremap_moved_is_split_at_once)
{
	run_late(_metadata, move_and_split, NULL);
}

TEST(what_mremap_moved_is_unmapped_at_once)
{
	run_late(_metadata, move_and_unmap, NULL);
}

/* As on kernels up to 6.12. */
TEST(what_mremap_moved_is_split_where_lengths_are_wrong)
{
	run_late(_metadata, move_and_split, "remap");
}

TEST(what_mremap_moved_is_unmapped_where_lengths_are_wrong)
{
	run_late(_metadata, move_and_unmap, "remap");
}

TEST_HARNESS_MAIN
