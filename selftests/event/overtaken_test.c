// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread moves or unmaps memory and is preempted before the kernel tells of
 * it; another one moves something into the hole, which is told of first.
 * Regression: what had been there was dropped, and what came there went away
 * with the late event: zeros.
 */
#include <pthread.h>
#include <sched.h>

#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define PAIRS  48
#define NR     12 /* pages of a chunk */
#define ROUNDS 6
#define TRY_US 15

PAGER_FIXTURE(overtaken)

enum leave {
	MOVE,
	UNMAP
};

struct pair {
	uint8_t *old; /* leaves x */
	uint8_t *moved; /* where it is then */
	uint8_t *new; /* comes to x */
};

static struct pair pair[PAIRS];
static _Atomic uint32_t turn; /* pairs whose hole is being made */
static _Atomic bool over;
static enum leave leave;

static void stay_on_cpu(int policy)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	sched_setscheduler(0, policy, &(struct sched_param){ 0 });
}

/* Takes the CPU from who was preempted. */
static void *spin(void *arg)
{
	stay_on_cpu(SCHED_OTHER);
	while (!atomic_load(&over))
		;
	return arg;
}

/* Into the hole as soon as it is there. */
static void *come(void *arg)
{
	stay_on_cpu(SCHED_OTHER);
	for (uint32_t i = 0; i < PAIRS; i++) {
		uint8_t *x = pair[i].old;

		while (atomic_load(&turn) <= i)
			sleep_us(TRY_US);
		while (mmap(x, NR * PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
			sleep_us(TRY_US);
		if (mremap(pair[i].new, NR * PAGE_SIZE, NR * PAGE_SIZE,
			   MREMAP_MAYMOVE | MREMAP_FIXED, x) != x)
			return "nothing came";
	}
	return arg;
}

static const char *go_away(uint32_t i)
{
	uint8_t *x = pair[i].old, *to = pair[i].moved;

	if (leave == UNMAP)
		return munmap(x, NR * PAGE_SIZE) ? "munmap failed" : NULL;
	if (mremap(x, NR * PAGE_SIZE, NR * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		return "nothing left";
	return NULL;
}

static void *make_holes(void *arg)
{
	const char *why = NULL;

	stay_on_cpu(SCHED_IDLE);
	for (uint32_t i = 0; i < PAIRS && !why; i++) {
		atomic_store(&turn, i + 1);
		why = go_away(i);
	}
	return why ? (void *)(uintptr_t)why : arg;
}

/* Each apart, so that none can be taken for another's. */
static uint8_t *apart(void)
{
	uint8_t *p = memory_map(NR + 2);

	munmap(p, PAGE_SIZE);
	munmap(p + (NR + 1) * PAGE_SIZE, PAGE_SIZE);
	return p + PAGE_SIZE;
}

static bool are_out(void)
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < PAIRS; i++)
		nr += memory_resident(pair[i].old, NR) + memory_resident(pair[i].new, NR);
	return !nr;
}

static int round_of(struct target_share *sh, uint64_t seed)
{
	pthread_t thread[3];
	void *why;

	for (uint32_t i = 0; i < PAIRS; i++) {
		pair[i] = (struct pair){ apart(), apart(), apart() };
		memory_fill(pair[i].old, 0, NR, seed + i);
		memory_fill(pair[i].new, 0, NR, seed + PAIRS + i);
	}
	target_check(sh, wait_until(30, (memory_press(), are_out())));
	atomic_store(&turn, 0);
	atomic_store(&over, false);
	atomic_store(&sh->value[1], 1); /* holes are being made */
	target_check(sh, !pthread_create(&thread[0], NULL, make_holes, NULL));
	target_check(sh, !pthread_create(&thread[1], NULL, come, NULL));
	target_check(sh, !pthread_create(&thread[2], NULL, spin, NULL));
	for (int i = 0; i < 2; i++) {
		target_check(sh, !pthread_join(thread[i], &why));
		target_check(sh, !why);
	}
	atomic_store(&over, true);
	atomic_store(&sh->value[1], 0);
	pthread_join(thread[2], &why);
	for (uint32_t i = 0; i < PAIRS; i++) {
		if (!memory_is(pair[i].old, 0, NR, seed + PAIRS + i))
			return target_fail(sh, "what came to %p from %p is wrong",
					   (void *)pair[i].old, (void *)pair[i].new);
		if (leave == MOVE && !memory_is(pair[i].moved, 0, NR, seed + i))
			return target_fail(sh, "what went from %p to %p is wrong",
					   (void *)pair[i].old, (void *)pair[i].moved);
		munmap(pair[i].old, NR * PAGE_SIZE);
		munmap(pair[i].moved, NR * PAGE_SIZE);
	}
	return 0;
}

static int overtake(struct target_share *sh)
{
	leave = (enum leave)atomic_load(&sh->value[0]);
	for (uint64_t n = 0; n < guard_times(ROUNDS, ROUNDS / 3); n++)
		if (round_of(sh, 1 + n * 2 * PAIRS))
			return 1;
	return 0;
}

static struct target start(struct pager *pg, enum leave how)
{
	struct target t = target_fork(overtake);

	atomic_store(&t.share->value[0], how);
	if (target_attach(pg, &t, TARGET_BUDGET))
		kill(t.pid, SIGKILL);
	target_let(&t, 1);
	return t;
}

static int run(struct pager *pg, enum leave how)
{
	struct target t = start(pg, how);

	return target_end_within(&t, 80);
}

TEST_F_TIMEOUT(overtaken, moved, 100)
{
	EXPECT_EQ(0, run(&self->pager, MOVE));
}

TEST_F_TIMEOUT(overtaken, unmapped, 100)
{
	EXPECT_EQ(0, run(&self->pager, UNMAP));
}

/* All of it is brought in now and then, and it is let go of and taken over again. */
TEST_F_TIMEOUT(overtaken, let_go, 100)
{
	struct target t = start(&self->pager, MOVE);

	for (int n = 0; !target_is_over(&t); n++) {
		sleep_us(3000 + 1000 * (n % 10));
		if (!atomic_load(&t.share->value[1]))
			continue;
		upager_populate(self->pager.client, t.pid, NULL);
		if (n % 3 || upager_detach(self->pager.client, t.pid, NULL))
			continue;
		EXPECT_TRUE(wait_until(
			20, !upager_attach(self->pager.client, t.pid, TARGET_BUDGET, 0, NULL) ||
				    target_is_over(&t)));
	}
	EXPECT_EQ(0, target_end_within(&t, 10));
}

/* The daemon dies in the middle, time and again. */
TEST_F_TIMEOUT(overtaken, killed, 100)
{
	struct pager_options opt = { .disable = variant->disable };
	struct target t = start(&self->pager, MOVE);

	for (int n = 0; !target_is_over(&t); n++) {
		sleep_us(90000 + 13000 * (n % 10));
		ASSERT_EQ(0, pager_restart(&self->pager, &opt));
	}
	EXPECT_EQ(0, target_end_within(&t, 10));
}

TEST_HARNESS_MAIN
