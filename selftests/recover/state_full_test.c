// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * The file system of the state directory has no room for more page tables.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

/* Some hundred tables more than upagerd keeps for itself. */
#define STATE_SIZE "9M"
/* One page each in so many leaves, several times what there are tables for. */
#define TOUCHED	   2000ULL
#define STRIDE	   (4 * MIB)
#define NR	   1024ULL /* pages */

FIXTURE(state_full)
{
	struct pager pager;
};

FIXTURE_SETUP(state_full)
{
	ASSERT_EQ(0,
		  pager_start(&self->pager, &(struct pager_options){ .state_size = STATE_SIZE }));
}

PAGER_TEARDOWN(state_full)

/* As target_reached(); a program that has no room is slow. */
static bool reached(const struct target *t, uint32_t step)
{
	return wait_until(100, atomic_load(&t->share->at) >= step || target_is_over(t)) &&
	       atomic_load(&t->share->at) >= step;
}

static uint8_t *sparse_map(void)
{
	uint8_t *p = mmap(NULL, TOUCHED * STRIDE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED || madvise(p, TOUCHED * STRIDE, MADV_NOHUGEPAGE) ? NULL : p;
}

static bool sparse_is(const uint8_t *p, uint64_t seed)
{
	for (uint64_t i = 0; i < TOUCHED; i++)
		if (!memory_page_is(p + i * STRIDE, seed, i))
			return false;
	return true;
}

static void sparse_fill(uint8_t *p, uint64_t seed)
{
	for (uint64_t i = 0; i < TOUCHED; i++)
		memory_fill_page(p + i * STRIDE, seed, i);
}

/* Takes all the tables, and gives them back after a while. */
static int touch_too_much(struct target_share *sh)
{
	uint8_t *dense = memory_map(2 * NR), *p;

	memory_fill(dense, 0, 2 * NR, 1);
	target_check(sh, memory_push_out(dense, NR));
	p = sparse_map();
	target_check(sh, p);
	sparse_fill(p, 2);
	target_check(sh, sparse_is(p, 2));
	sparse_fill(p, 3);
	target_check(sh, memory_is(dense, 0, 2 * NR, 1));
	target_check(sh, sparse_is(p, 3));
	target_meet(sh, 2);
	memory_fill(dense, 0, NR, 4);
	target_check(sh, sparse_is(p, 3));
	target_check(sh, memory_is(dense, 0, NR, 4) && memory_is(dense, NR, 2 * NR, 1));
	target_check(sh, !munmap(p, TOUCHED * STRIDE));
	target_meet(sh, 3);
	target_check(sh, memory_push_out(dense, NR));
	target_check(sh, memory_is(dense, 0, NR, 4) && memory_is(dense, NR, 2 * NR, 1));
	return 0;
}

/* What another program does meanwhile, paged before. */
static int live_beside(struct target_share *sh)
{
	uint8_t *p = memory_map(2 * NR);

	memory_fill(p, 0, 2 * NR, 5);
	target_check(sh, memory_push_out(p, NR));
	target_meet(sh, 2);
	for (int i = 0; i < 2; i++) {
		target_check(sh, memory_is(p, 0, 2 * NR, 5 + (uint64_t)i));
		memory_fill(p, 0, 2 * NR, 6 + (uint64_t)i);
	}
	target_check(sh, !mprotect(p, NR * PAGE_SIZE, PROT_READ));
	target_check(sh, !munmap(p, NR / 2 * PAGE_SIZE));
	target_check(sh, memory_is(p, NR / 2, 2 * NR, 7));
	target_meet(sh, 3);
	target_check(sh, memory_is(p, NR / 2, 2 * NR, 7));
	return 0;
}

static bool knows_shortage(struct pager *pager)
{
	return pager_logged(pager, "no room for page tables");
}

/* Regression: upagerd died of SIGBUS, and with it all that it serves stood still. */
TEST_F_TIMEOUT(state_full, one_takes_all, 300)
{
	struct target beside = target_start(&self->pager, live_beside, TARGET_BUDGET);
	struct target greedy = target_start(&self->pager, touch_too_much, TARGET_BUDGET);

	ASSERT_TRUE(reached(&beside, 2));
	ASSERT_TRUE(reached(&greedy, 2));
	EXPECT_TRUE(wait_until(10, knows_shortage(&self->pager)));
	EXPECT_EQ(0, upager_ping(self->pager.client, NULL));
	target_let(&beside, 2);
	EXPECT_TRUE(reached(&beside, 3));
	target_let(&greedy, 2);
	EXPECT_TRUE(reached(&greedy, 3));
	target_let(&greedy, 3);
	EXPECT_EQ(0, target_end_within(&greedy, 100));
	target_let(&beside, 3);
	EXPECT_EQ(0, target_end_within(&beside, 100));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Forked while there is room, or not any more; each child writes and checks all that it has. */
static int fork_too_much(struct target_share *sh)
{
	uint8_t *p = sparse_map();
	uint8_t *dense = memory_map(2 * NR);
	pid_t pid;

	target_check(sh, p);
	memory_fill(dense, 0, 2 * NR, 1);
	target_check(sh, memory_push_out(dense, NR));
	pid = fork();
	if (!pid) {
		if (!memory_is(dense, 0, 2 * NR, 1))
			_exit(1);
		memory_fill(dense, 0, 2 * NR, 6);
		_exit(memory_is(dense, 0, 2 * NR, 6) ? 0 : 2);
	}
	sparse_fill(p, 2);
	target_check(sh, status_of(pid) == 0);
	target_check(sh, sparse_is(p, 2) && memory_is(dense, 0, 2 * NR, 1));
	pid = fork(); /* there may be no room for it */
	if (!pid)
		_exit(memory_is(dense, 0, 2 * NR, 1) && sparse_is(p, 2) ? 0 : 1);
	memory_fill(dense, 0, 2 * NR, 3);
	target_check(sh, sparse_is(p, 2) && memory_is(dense, 0, 2 * NR, 3));
	atomic_store(&sh->value[0], (uint64_t)pid);
	target_meet(sh, 2);
	target_check(sh, !kill(pid, SIGKILL));
	pid = status_of(pid);
	target_check(sh,
		     pid == 0 || pid == TARGET_SIGNAL + SIGKILL || pid == TARGET_SIGNAL + SIGBUS);
	target_check(sh, sparse_is(p, 2) && memory_is(dense, 0, 2 * NR, 3));
	return 0;
}

static void run_forks(struct __test_metadata *_metadata, struct pager *pager)
{
	struct target t = target_start(pager, fork_too_much, TARGET_BUDGET);

	ASSERT_TRUE(reached(&t, 2));
	EXPECT_EQ(0, upager_ping(pager->client, NULL));
	EXPECT_TRUE(wait_until(10, knows_shortage(pager)));
	sleep_us(500000);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end_within(&t, 100));
	EXPECT_EQ(0, pager_stop(pager));
}

TEST_F_TIMEOUT(state_full, forks, 300)
{
	run_forks(_metadata, &self->pager);
}

TEST_F_TIMEOUT(state_full, forks_while_stopped_for_eviction, 300)
{
	struct pager_options opt = { .disable = "move", .state_size = STATE_SIZE };
	struct pager stopping;

	ASSERT_EQ(0, pager_start(&stopping, &opt));
	run_forks(_metadata, &stopping);
	pager_fini(&stopping);
}

#define LEAF  (2 * MIB)
#define MOVED 1000ULL /* leaves: more than upagerd keeps tables for */

static uint8_t *leaf_page(uint8_t *p, uint64_t i)
{
	return p + i * LEAF + i % 512 * PAGE_SIZE;
}

static bool leaves_are(uint8_t *p)
{
	for (uint64_t i = 0; i < MOVED; i++)
		if (!memory_page_is(leaf_page(p, i), 5, i))
			return false;
	return true;
}

/* At a leaf's boundary. */
static uint8_t *leaves_map(int prot)
{
	uint8_t *p = mmap(NULL, (MOVED + 2) * LEAF, prot,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		_exit(99);
	madvise(p, (MOVED + 2) * LEAF, MADV_NOHUGEPAGE);
	return (uint8_t *)(((uintptr_t)p + LEAF - 1) & ~(LEAF - 1));
}

static bool move_leaves(uint8_t *from, uint8_t *to)
{
	return mremap(from, MOVED * LEAF, MOVED * LEAF, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
}

/* What a child shares, first to the like place of other leaves, then not. */
static int move_shared(struct target_share *sh)
{
	uint8_t *dense = memory_map(2 * NR), *p = leaves_map(PROT_READ | PROT_WRITE);
	uint8_t *to = leaves_map(PROT_NONE), *odd = leaves_map(PROT_NONE) + PAGE_SIZE;
	pid_t pid;

	memory_fill(dense, 0, 2 * NR, 1);
	target_check(sh, memory_push_out(dense, NR));
	for (uint64_t i = 0; i < MOVED; i++)
		memory_fill_page(leaf_page(p, i), 5, i);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	atomic_store(&sh->value[0], (uint64_t)pid);
	p[0] = 0; /* once it is known */
	memory_fill_page(leaf_page(p, 0), 5, 0);
	sparse_fill(sparse_map(), 2);
	target_meet(sh, 2);
	target_check(sh, move_leaves(p, to));
	target_meet(sh, 3); /* what it reads now may need tables of its own */
	/* This has to wait until there is room. */
	target_check(sh, move_leaves(to, odd));
	target_check(sh, leaves_are(odd));
	status_of(pid);
	return 0;
}

/* Regression: upagerd gave up, and with it all that it serves stood still. */
TEST_F_TIMEOUT(state_full, moves_what_is_shared, 300)
{
	/* So that there is room for the child, and not for much more. */
	struct pager_options opt = { .state_size = "15M" };
	struct pager pager;
	struct target t;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	t = target_start(&pager, move_shared, TARGET_BUDGET);
	ASSERT_TRUE(reached(&t, 2));
	EXPECT_TRUE(wait_until(10, knows_shortage(&pager)));
	target_let(&t, 2);
	ASSERT_TRUE(reached(&t, 3));
	target_let(&t, 3);
	sleep_us(300000);
	EXPECT_EQ(0, upager_ping(pager.client, NULL));
	kill((pid_t)atomic_load(&t.share->value[0]), SIGKILL);
	EXPECT_EQ(0, target_end_within(&t, 100));
	EXPECT_EQ(0, pager_stop(&pager));
	pager_fini(&pager);
}

/* Given back to the program while there is no room. */
static int detach_sparse(struct target_share *sh)
{
	uint8_t *p = sparse_map();
	uint8_t *dense = memory_map(2 * NR);

	target_check(sh, p);
	memory_fill(dense, 0, 2 * NR, 1);
	sparse_fill(p, 2);
	target_meet(sh, 2);
	target_check(sh, sparse_is(p, 2) && memory_is(dense, 0, 2 * NR, 1));
	return 0;
}

TEST_F_TIMEOUT(state_full, detaches, 300)
{
	struct target t = target_start(&self->pager, detach_sparse, TARGET_BUDGET);

	ASSERT_TRUE(reached(&t, 2));
	EXPECT_TRUE(wait_until(10, knows_shortage(&self->pager)));
	EXPECT_EQ(0, upager_detach(self->pager.client, t.pid, NULL));
	EXPECT_EQ(0, pager_stop(&self->pager));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end_within(&t, 100));
}

/* A child for whose tables there is no room: it is told, and the pager can end. */
static int leave_alone(struct target_share *sh)
{
	uint8_t *p = sparse_map();
	uint8_t *dense = memory_map(2 * NR);
	pid_t pid;

	target_check(sh, p);
	memory_fill(dense, 0, 2 * NR, 1);
	target_check(sh, memory_push_out(dense, NR));
	sparse_fill(p, 2);
	pid = fork();
	if (!pid) {
		target_meet(sh, 2);
		_exit(memory_is(dense, 0, 2 * NR, 1) ? 0 : 1);
	}
	target_check(sh, status_of(pid) == TARGET_SIGNAL + SIGBUS);
	target_check(sh, sparse_is(p, 2) && memory_is(dense, 0, 2 * NR, 1));
	return 0;
}

TEST_F_TIMEOUT(state_full, child_gets_sigbus, 300)
{
	struct target t = target_start(&self->pager, leave_alone, TARGET_BUDGET);

	ASSERT_TRUE(reached(&t, 2));
	ASSERT_TRUE(wait_until(10, pager_logged(&self->pager, "get SIGBUS")));
	EXPECT_EQ(0, pager_stop(&self->pager));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end_within(&t, 100));
}

TEST_HARNESS_MAIN
