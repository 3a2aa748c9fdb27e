// SPDX-License-Identifier: GPL-2.0-only
/* A child has what its parent had, wherever the pages were. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>

#define NR 512 /* pages */

extern char **environ;

PAGER_FIXTURE(fork)

/* On the device, in standby, and there. */
struct memory {
	uint8_t *far;
	uint8_t *near;
	uint8_t *here;
};

static bool memory_make(struct memory *m)
{
	m->far = memory_map(NR);
	memory_fill(m->far, 0, NR, 1);
	if (!memory_push_far(m->far, NR))
		return false;
	m->near = memory_map(NR);
	memory_fill(m->near, 0, NR, 2);
	if (!memory_push_out(m->near, NR))
		return false;
	m->here = memory_map(NR / 4);
	memory_fill(m->here, 0, NR / 4, 3);
	return true;
}

static bool memory_right(const struct memory *m)
{
	return memory_is(m->far, 0, NR, 1) && memory_is(m->near, 0, NR, 2) &&
	       memory_is(m->here, 0, NR / 4, 3);
}

static int inherit(struct target_share *sh)
{
	struct memory m;
	pid_t child, grandchild;

	target_check(sh, memory_make(&m));
	child = fork();
	if (!child) {
		grandchild = fork();
		if (!grandchild)
			_exit(memory_right(&m) ? 0 : 3);
		_exit(status_of(grandchild) ? 4 : memory_right(&m) ? 0 : 5);
	}
	target_check(sh, status_of(child) == 0);
	target_check(sh, memory_right(&m));
	return 0;
}

TEST_F_TIMEOUT(fork, children_inherit, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, inherit));
}

/* Neither sees what the other writes after the fork. */
static int write_apart(struct target_share *sh)
{
	struct memory m;
	pid_t child;

	target_check(sh, memory_make(&m));
	child = fork();
	if (!child) {
		memory_fill(m.far, 0, NR / 2, 11);
		memory_fill(m.near, 0, NR / 2, 12);
		atomic_store(&sh->value[0], 1);
		while (atomic_load(&sh->value[0]) == 1)
			sleep_us(500);
		_exit(memory_is(m.far, 0, NR / 2, 11) && memory_is(m.far, NR / 2, NR, 1) &&
				      memory_is(m.near, 0, NR / 2, 12) &&
				      memory_is(m.near, NR / 2, NR, 2)
			      ? 0
			      : 3);
	}
	memory_fill(m.far, NR / 2, NR, 21);
	memory_fill(m.near, NR / 2, NR, 22);
	target_check(sh, wait_until(20, atomic_load(&sh->value[0])));
	target_check(sh, memory_is(m.far, 0, NR / 2, 1) && memory_is(m.far, NR / 2, NR, 21));
	target_check(sh, memory_is(m.near, 0, NR / 2, 2) && memory_is(m.near, NR / 2, NR, 22));
	memory_press();
	atomic_store(&sh->value[0], 2);
	target_check(sh, status_of(child) == 0);
	target_check(sh, memory_is(m.far, 0, NR / 2, 1) && memory_is(m.far, NR / 2, NR, 21));
	return 0;
}

TEST_F_TIMEOUT(fork, writes_stay_apart, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, write_apart));
}

/* F11: the only copies may be in a pool of the parent's. */
static int orphan(struct target_share *sh)
{
	struct memory m;
	pid_t parent = getpid(), child;

	target_check(sh, memory_make(&m));
	child = fork();
	if (child)
		return 0;
	while (getppid() == parent)
		sleep_us(500);
	sleep_us(100000); /* the pager lets go of the parent */
	atomic_store(&sh->value[0], memory_right(&m) ? 1 : 2);
	_exit(0);
}

TEST_F_TIMEOUT(fork, child_outlives_parent, 60)
{
	struct target t = target_start(&self->pager, orphan, TARGET_BUDGET);
	struct target_share *sh = t.share;
	int status = -1;

	EXPECT_TRUE(wait_until(30, target_exited(&t, &status)));
	EXPECT_EQ(0, status) TH_LOG("%s", sh->why);
	EXPECT_TRUE(wait_until(30, atomic_load(&sh->value[0])));
	EXPECT_EQ(1, atomic_load(&sh->value[0]));
}

static _Atomic bool pressing;

static void *press(void *unused)
{
	while (atomic_load(&pressing))
		memory_press();
	return unused;
}

/* Pages are on their way out, and being read, at the instant of each fork. */
static int fork_in_traffic(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pthread_t thread;

	memory_fill(p, 0, NR, 1);
	atomic_store(&pressing, true);
	target_check(sh, !pthread_create(&thread, NULL, press, NULL));
	for (uint64_t i = 0; i < 25; i++) {
		pid_t child;

		target_check(sh, memory_is(p, 0, NR, 1 + i));
		memory_fill(p, 0, NR, 2 + i);
		child = fork();
		if (!child)
			_exit(memory_is(p, 0, NR, 2 + i) ? 0 : 3);
		if (i % 2)
			target_check(sh, memory_is(p, 0, NR, 2 + i));
		target_check(sh, status_of(child) == 0);
	}
	atomic_store(&pressing, false);
	pthread_join(thread, NULL);
	return 0;
}

TEST_F_TIMEOUT(fork, amid_eviction, 90)
{
	struct target t = target_start(&self->pager, fork_in_traffic, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 80));
}

/* F8 */
static int wipe(struct target_share *sh)
{
	uint8_t *p = memory_map(NR), *q = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	memory_fill(q, 0, NR, 2);
	target_check(sh, !madvise(p, NR / 2 * PAGE_SIZE, MADV_WIPEONFORK));
	target_check(sh, !madvise(q, NR / 2 * PAGE_SIZE, MADV_DONTFORK));
	target_check(sh, memory_push_far(p, NR) && memory_push_out(q, NR));
	child = fork();
	if (!child) {
		if (!memory_is_zero(p, 0, NR / 2))
			_exit(3);
		if (!memory_is(p, NR / 2, NR, 1) || !memory_is(q, NR / 2, NR, 2))
			_exit(4);
		*(volatile uint8_t *)q = 1;
		_exit(5);
	}
	target_check(sh, status_of(child) == TARGET_SIGNAL + SIGSEGV);
	target_check(sh, memory_is(p, 0, NR, 1));
	target_check(sh, memory_is(q, 0, NR, 2));
	return 0;
}

TEST_F_TIMEOUT(fork, wipeonfork_and_dontfork, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, wipe));
}

/* F8 with the first use of wiped pages by the child a write. */
static int wipe_and_write(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	target_check(sh, !madvise(p, NR * PAGE_SIZE, MADV_WIPEONFORK));
	target_check(sh, memory_push_far(p, NR));
	child = fork();
	if (!child) {
		for (uint64_t i = 0; i < NR; i++)
			p[i * PAGE_SIZE] = 0;
		_exit(memory_is_zero(p, 0, NR) ? 0 : 3);
	}
	target_check(sh, status_of(child) == 0);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(fork, wiped_pages_are_zero_when_written, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, wipe_and_write));
}

static int spawn_others(struct target_share *sh)
{
	char *argv[] = { (char *)(uintptr_t) "true", NULL };
	struct memory m;
	pid_t child;

	target_check(sh, memory_make(&m));
	child = vfork();
	if (!child) {
		execv("/bin/true", argv);
		_exit(3);
	}
	target_check(sh, status_of(child) == 0);
	for (int i = 0; i < 5; i++) {
		target_check(sh, !posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ));
		target_check(sh, status_of(child) == 0);
		memory_press();
	}
	target_check(sh, memory_right(&m) ||
				 (memory_is(m.far, 0, NR, 1) && memory_is(m.near, 0, NR, 2)));
	return 0;
}

TEST_F_TIMEOUT(fork, vfork_and_posix_spawn, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, spawn_others));
}

/* F13: what shares the memory goes on when the process that was attached has died. */
static struct memory shared;
static struct target_share *shared_share;

static int sharer(void *parent)
{
	while (getppid() == (pid_t)(intptr_t)parent)
		sleep_us(500);
	sleep_us(200000);
	atomic_store(&shared_share->value[0], memory_right(&shared) ? 1 : 2);
	return 0;
}

static int leave_to_sharer(struct target_share *sh)
{
	uint8_t *stack = memory_map(64);

	target_check(sh, memory_make(&shared));
	shared_share = sh;
	target_check(sh, clone(sharer, stack + 64 * PAGE_SIZE, CLONE_VM | SIGCHLD,
			       (void *)(intptr_t)getpid()) > 0);
	return 0;
}

TEST_F_TIMEOUT(fork, sharer_outlives_process, 60)
{
	struct target t = target_start(&self->pager, leave_to_sharer, TARGET_BUDGET);
	struct target_share *sh = t.share;
	int status = -1;

	EXPECT_TRUE(wait_until(30, target_exited(&t, &status)));
	EXPECT_EQ(0, status) TH_LOG("%s", sh->why);
	EXPECT_TRUE(wait_until(30, atomic_load(&sh->value[0])));
	EXPECT_EQ(1, atomic_load(&sh->value[0]));
}

/* While a child has them, too, that frees nothing. */
static int share_and_grow(struct target_share *sh)
{
	uint8_t *p = memory_map(NR + MEMORY_FILLER_PAGES);
	pid_t child;

	memory_fill(p, 0, NR / 2, 1);
	/* What was forked before it was paged is nobody's relative. */
	target_check(sh, memory_push_far(p, NR / 2));
	target_check(sh, memory_is(p, 0, NR / 2, 1));
	child = fork();
	if (!child) {
		while (!atomic_load(&sh->value[0]))
			sleep_us(500);
		_exit(memory_is(p, 0, NR / 2, 1) ? 0 : 3);
	}
	atomic_store(&sh->value[2], memory_resident(p, NR / 2));
	memory_fill(p, NR / 2, NR + MEMORY_FILLER_PAGES, 2);
	atomic_store(&sh->value[1], memory_resident(p, NR / 2));
	atomic_store(&sh->value[0], 1);
	target_check(sh, status_of(child) == 0);
	target_check(sh, memory_push_out(p, NR / 2));
	target_check(sh, memory_is(p, 0, NR / 2, 1));
	target_check(sh, memory_is(p, NR / 2, NR + MEMORY_FILLER_PAGES, 2));
	target_meet(sh, 2);
	return 0;
}

TEST_F_TIMEOUT(fork, shared_pages_leave_late, 60)
{
	struct target t = target_start(&self->pager, share_and_grow, TARGET_BUDGET);

	ASSERT_TRUE(target_reached(&t, 2));
	/* Some may be leaving at the moment of the fork. */
	EXPECT_LE(NR / 4, atomic_load(&t.share->value[2]));
	EXPECT_LE(atomic_load(&t.share->value[2]) / 4, atomic_load(&t.share->value[1]));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

/* What left last is in the pool, and on the device. */
static int fork_with_pool(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_out(p, NR));
	target_meet(sh, 2);
	child = fork();
	if (!child)
		_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
	target_check(sh, status_of(child) == 0);
	target_meet(sh, 3);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

/* Regression: each fork emptied its parent's pool. */
TEST_F_TIMEOUT(fork, leaves_the_pool_alone, 60)
{
	struct target t = target_start(&self->pager, fork_with_pool, TARGET_BUDGET);
	uint64_t before;

	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_TRUE(wait_until(10, pager_status(&self->pager, t.pid).standby_bytes > MIB / 4));
	sleep_us(300000); /* for the device */
	before = pager_status(&self->pager, t.pid).standby_bytes;
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3));
	EXPECT_LE(before / 2, pager_status(&self->pager, t.pid).standby_bytes);
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
}

TEST_HARNESS_MAIN
