// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 200
 *
 * F3: the kernel zaps what MADV_DONTNEED names only after the event was read.  Pages that are still
 * there meanwhile are nobody's: taken for the program's and moved out, they came back with what
 * they had held.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <pthread.h>
#include <sched.h>

#define BUDGET	     (32 * MIB)
#define FILLER_PAGES 8192u /* all of the budget */
/* Given away: half the budget, in many page tables, between which the zap can be held up. */
#define GROUPS	     512u
#define GROUP_PAGES  8u
#define STRIDE_PAGES 512u
#define RANGE_PAGES  (GROUPS * STRIDE_PAGES)
#define ROUNDS	     8
#define FREED_PAGES  512
/* Housekeeping looks for pages that it does not know a second after it looked last: during the zap. */
#define BEFORE_US    900000
#define HOLD_NS	     2000000
#define LET_NS	     20000

PAGER_FIXTURE(quarantine)

static int last_cpu;
static uint8_t *range;
static _Atomic bool given_away;

/* The last CPU is for the threads that hold each other up; the pager goes on. */
__attribute__((constructor)) static void leave_last_cpu(void)
{
	cpu_set_t cpus;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	for (last_cpu = CPU_SETSIZE - 1; !CPU_ISSET((size_t)last_cpu, &cpus);)
		last_cpu--;
	CPU_CLR((size_t)last_cpu, &cpus);
	if (!CPU_COUNT(&cpus) || sched_setaffinity(0, sizeof(cpus), &cpus))
		last_cpu = -1;
}

static void take_last_cpu(int policy, int priority)
{
	const struct sched_param param = { .sched_priority = priority };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)last_cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	sched_setscheduler(0, policy, &param);
}

static void *give_away(void *unused)
{
	sleep_us(BEFORE_US);
	take_last_cpu(SCHED_IDLE, 0);
	madvise(range, RANGE_PAGES * PAGE_SIZE, MADV_DONTNEED);
	atomic_store(&given_away, true);
	return unused;
}

/* Lets the other thread run for moments only, so that a zap of microseconds takes a second. */
static void *hold_up(void *unused)
{
	const struct timespec let = { .tv_nsec = LET_NS };

	sleep_us(BEFORE_US);
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	take_last_cpu(SCHED_FIFO, 1);
	while (!atomic_load(&given_away)) {
		uint64_t end_ns = now_ns() + HOLD_NS;

		while (now_ns() < end_ns)
			;
		nanosleep(&let, NULL);
	}
	return unused;
}

/* Pushes out what is not used; by faults alone, as a change of mappings would wait for the zap. */
static void press_until_given_away(uint8_t *filler)
{
	for (uint64_t i = 0; !atomic_load(&given_away); i = (i + 1) % FILLER_PAGES)
		memory_fill_page(filler + i * PAGE_SIZE, 2, i);
}

static int give_away_slowly(struct target_share *sh)
{
	uint8_t *filler = memory_map(FILLER_PAGES);

	range = memory_map(RANGE_PAGES);
	for (uint64_t round = 0; round < guard_times(ROUNDS, ROUNDS / 2); round++) {
		pthread_t giver, holder;

		memory_fill(filler, 0, FILLER_PAGES, 2);
		for (uint64_t at = 0; at < RANGE_PAGES; at += STRIDE_PAGES)
			memory_fill(range, at, at + GROUP_PAGES, 10 + round);
		/* What has grown is looked at now, and then a second later. */
		memory_map(1);
		atomic_store(&given_away, false);
		target_check(sh, !pthread_create(&holder, NULL, hold_up, NULL));
		target_check(sh, !pthread_create(&giver, NULL, give_away, NULL));
		sleep_us(BEFORE_US);
		press_until_given_away(filler);
		pthread_join(giver, NULL);
		pthread_join(holder, NULL);
		for (uint64_t at = 0; at < RANGE_PAGES; at += STRIDE_PAGES)
			target_check(sh, memory_is_zero(range, at, at + GROUP_PAGES));
	}
	return 0;
}

TEST_F_TIMEOUT(quarantine, what_was_given_away_reads_zero, 90)
{
	struct target t;

	if (last_cpu < 0)
		SKIP(return, "needs a second CPU");
	t = target_start(&self->pager, give_away_slowly, BUDGET);
	EXPECT_EQ(0, target_end_within(&t, 80));
}

static void *spin(void *arg)
{
	const _Atomic bool *end = arg;

	while (!atomic_load(end))
		;
	return NULL;
}

/*
 * Regression: MADV_FREE leaves the pages there, which the program then used
 * again; and as long as one thread only ran, it was held to be in that call.
 */
static int free_and_use_again(struct target_share *sh)
{
	uint8_t *p = memory_map(FREED_PAGES);
	_Atomic bool *end = (void *)&sh->value[0];
	pthread_t thread;

	target_check(sh, !pthread_create(&thread, NULL, spin, end));
	memory_fill(p, 0, FREED_PAGES, 1);
	memory_press();
	memory_fill(p, 0, FREED_PAGES, 2);
	target_check(sh, !madvise(p, FREED_PAGES * PAGE_SIZE, MADV_FREE));
	memory_fill(p, 0, FREED_PAGES, 3);
	target_check(sh, memory_push_out(p, FREED_PAGES));
	target_check(sh, memory_is(p, 0, FREED_PAGES, 3));
	atomic_store(end, true);
	pthread_join(thread, NULL);
	return 0;
}

TEST_F_TIMEOUT(quarantine, ends_while_a_thread_spins, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, free_and_use_again));
}

TEST_HARNESS_MAIN
