// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 200
 *
 * Children of children, very many children, and children of a program that is busy.
 */
#include "selftests/cost.h"
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <pthread.h>
#include <sys/syscall.h>

#define NR 512 /* pages */

PAGER_FIXTURE(brood)

static bool pager_is_empty(struct pager *pg)
{
	struct upager_record rec;

	return !upager_ping(pg->client, &rec) && rec.slots_free == rec.slots_total &&
	       !rec.table_bytes;
}

/* Most end at once, some look at a page, some execute a shell. */
static int have_a_thousand(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	for (uint64_t i = 0; i < 1000; i++) {
		bool looks = i % 10 == 0;
		pid_t child = fork();

		if (!child) {
			if (!looks)
				syscall(SYS_exit_group, 0);
			_exit(memory_page_is(p + i % NR * PAGE_SIZE, 1, i % NR) ? 0 : 3);
		}
		target_check(sh, status_of(child) == 0);
		if (i % 50 == 0)
			target_check(sh, system("exit 7") == 7 << 8);
		if (i % 200 == 0)
			memory_press();
	}
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(brood, a_thousand, 90)
{
	struct target t = target_start(&self->pager, have_a_thousand, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 80));
	EXPECT_TRUE(wait_until(20, pager_is_empty(&self->pager)));
}

#define CROWD 1100

/* All live until each has had a look. */
static int have_a_crowd(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child[CROWD];

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	for (uint64_t i = 0; i < CROWD; i++) {
		child[i] = fork();
		target_check(sh, child[i] >= 0);
		if (child[i])
			continue;
		if (!memory_page_is(p + i % NR * PAGE_SIZE, 1, i % NR))
			_exit(3);
		atomic_fetch_add(&sh->value[0], 1);
		pause();
		_exit(4);
	}
	target_check(sh, wait_until(60, atomic_load(&sh->value[0]) == CROWD));
	target_meet(sh, 2);
	for (uint64_t i = 0; i < CROWD; i++)
		target_check(sh, !kill(child[i], SIGKILL) &&
					 status_of(child[i]) == TARGET_SIGNAL + SIGKILL);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

/*
 * Regression: the 1,024th waited until it was killed, and each got a pool of 2
 * MiB to be evicted to, though it had no more than its parent.
 */
TEST_F_TIMEOUT(brood, more_than_a_thousand_at_once, 120)
{
	struct upager_record rec;
	struct target t;

	if (variant->disable)
		SKIP(return, "nothing of it depends on how pages leave");
	t = target_start(&self->pager, have_a_crowd, TARGET_BUDGET);
	ASSERT_TRUE(wait_until(80, atomic_load(&t.share->at) == 2 || target_is_over(&t)));
	sleep_us(1500000); /* they have grown up */
	EXPECT_EQ(0, upager_ping(self->pager.client, &rec));
	EXPECT_GE(CROWD / 10 * 2 * MIB, rec.pool_bytes);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end_within(&t, 80));
	EXPECT_TRUE(wait_until(20, pager_is_empty(&self->pager)));
}

#define GENERATIONS 6
#define PART	    (NR / GENERATIONS)

/* What its forebears wrote, each a part; the rest is the first one's. */
static bool is_of_generation(const uint8_t *p, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (!memory_is(p, i * PART, (i + 1) * PART, 10 + i))
			return false;
	return memory_is(p, n * PART, NR, 1);
}

/* Each ends when it has a child, so that nobody is left who was paged at first. */
static int succeed(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	for (uint64_t n = 0; n < GENERATIONS; n++) {
		pid_t child = fork();

		if (child)
			_exit(0);
		if (!is_of_generation(p, n)) {
			target_fail(sh, "generation %llu", (unsigned long long)n);
			atomic_store(&sh->value[0], 2);
			_exit(3);
		}
		memory_fill(p, n * PART, (n + 1) * PART, 10 + n);
	}
	atomic_store(&sh->value[0], is_of_generation(p, GENERATIONS) ? 1 : 2);
	_exit(0);
}

TEST_F_TIMEOUT(brood, generations, 60)
{
	struct target t = target_start(&self->pager, succeed, TARGET_BUDGET);
	struct target_share *sh = t.share;
	int status = -1;

	EXPECT_TRUE(wait_until(30, target_exited(&t, &status)));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(wait_until(30, atomic_load(&sh->value[0])));
	EXPECT_EQ(1, atomic_load(&sh->value[0])) TH_LOG("%s", sh->why);
	EXPECT_TRUE(wait_until(20, pager_is_empty(&self->pager)));
}

#define COMMON	(4 * NR) /* twice the budget */
#define READERS 4

static uint8_t *common;
static _Atomic bool reading;

static void *reader(void *arg)
{
	for (uint64_t i = (uint64_t)(uintptr_t)arg; atomic_load(&reading); i += 37)
		if (!memory_page_is(common + i % COMMON * PAGE_SIZE, 1, i % COMMON))
			_exit(3);
	return NULL;
}

static void *forker(void *result)
{
	for (uint64_t i = 0; i < 15; i++) {
		pid_t child = fork();

		if (!child)
			_exit(memory_is(common, i * 64, i * 64 + 256, 1) ? 0 : 4);
		if (status_of(child))
			return result;
	}
	*(bool *)result = true;
	return result;
}

/* The forking thread is one of them, the others wait for pages all the time. */
static int fork_beside_faults(struct target_share *sh)
{
	pthread_t thread[READERS], other;
	bool right = false;

	common = memory_map(COMMON);
	memory_fill(common, 0, COMMON, 1);
	atomic_store(&reading, true);
	for (uintptr_t i = 0; i < READERS; i++)
		target_check(sh, !pthread_create(&thread[i], NULL, reader, (void *)(i * 100)));
	target_check(sh, !pthread_create(&other, NULL, forker, &right));
	target_check(sh, !pthread_join(other, NULL) && right);
	atomic_store(&reading, false);
	for (int i = 0; i < READERS; i++)
		pthread_join(thread[i], NULL);
	target_check(sh, memory_is(common, 0, COMMON, 1));
	return 0;
}

TEST_F_TIMEOUT(brood, beside_faults, 90)
{
	struct target t = target_start(&self->pager, fork_beside_faults, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 80));
}

#define FORKS 60

/* Forks all the time from its birth on, while it is found out whose child it is. */
static void breed_at_once(const uint8_t *p)
{
	pid_t child[FORKS];

	for (uint64_t i = 0; i < FORKS; i++) {
		child[i] = fork();
		if (!child[i])
			_exit(memory_page_is(p + i * PAGE_SIZE, 1, i) ? 0 : 3);
		sleep_us(4000);
	}
	for (uint64_t i = 0; i < FORKS; i++)
		if (status_of(child[i]))
			_exit(4);
	_exit(memory_is(p, 0, NR, 1) ? 0 : 5);
}

static int have_breeders(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	for (int n = 0; n < 4; n++) {
		pid_t child;

		target_check(sh, memory_push_far(p, NR));
		child = fork();
		if (!child)
			breed_at_once(p);
		target_check(sh, status_of(child) == 0);
	}
	return 0;
}

/*
 * Regression: the stack of a child is registered for a moment to see whose it
 * is. Those forked at that moment had theirs registered for good, were not
 * recognized by it, and waited for ever.
 */
TEST(forks_while_it_is_asked)
{
	struct pager_options opt = { .failpoints = "child_asked=delay:30000" };
	struct pager pager;
	struct target t;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	t = target_start(&pager, have_breeders, TARGET_BUDGET);
	EXPECT_EQ(0, target_end_within(&t, 25));
	EXPECT_EQ(0, pager_stop(&pager));
	pager_fini(&pager);
}

#define IDLE_CROWD 400
#define COLD	   (8 * NR)
#define LOOKS	   4000
#define BESIDE	   3 /* of which the last finds them known, if not the first */

/* Most of it is out. */
static bool look_around(const uint8_t *p)
{
	bool right = true;

	for (uint64_t i = 1; i <= LOOKS; i++) {
		uint64_t n = i * 2654435761 % COLD;

		right &= memory_page_is(p + n * PAGE_SIZE, 1, n);
	}
	return right;
}

static int look_beside_children(struct target_share *sh)
{
	uint8_t *p = memory_map(COLD);
	pid_t child[IDLE_CROWD];

	memory_fill(p, 0, COLD, 1);
	target_check(sh, look_around(p));
	target_meet(sh, 2);
	target_check(sh, look_around(p));
	target_meet(sh, 3);
	for (uint64_t i = 0; i < IDLE_CROWD; i++) {
		child[i] = fork();
		target_check(sh, child[i] >= 0);
		if (!child[i])
			for (;;)
				pause();
	}
	for (uint32_t step = 4; step < 4 + BESIDE; step++) {
		target_meet(sh, step);
		target_check(sh, look_around(p));
	}
	target_meet(sh, 4 + BESIDE);
	for (uint64_t i = 0; i < IDLE_CROWD; i++)
		target_check(sh, !kill(child[i], SIGKILL) &&
					 status_of(child[i]) == TARGET_SIGNAL + SIGKILL);
	return 0;
}

/* What the daemon runs for from one step to the next. */
static uint64_t ticks_to(const struct pager *pager, struct target *t, uint32_t step)
{
	uint64_t before = cost_ticks(pager->pid);

	target_let(t, step - 1);
	return wait_until(60, atomic_load(&t->share->at) == step || target_is_over(t))
		       ? cost_ticks(pager->pid) - before
		       : ~0ULL;
}

/* Regression: for each fault all of them were looked at, and housekeeping was woken for each. */
TEST_F_TIMEOUT(brood, idle_children_cost_little, 150)
{
	struct target t = target_start(&self->pager, look_beside_children, TARGET_BUDGET);
	uint64_t alone, beside;

	ASSERT_TRUE(target_reached(&t, 2));
	alone = ticks_to(&self->pager, &t, 3);
	ticks_to(&self->pager, &t, 4);
	sleep_us(6000000); /* they have been found and looked at */
	beside = ~0ULL;
	for (uint32_t step = 5; step < 5 + BESIDE; step++)
		beside = min_t(uint64_t, beside, ticks_to(&self->pager, &t, step));
	TH_LOG("%llu ticks alone, %llu beside them", (unsigned long long)alone,
	       (unsigned long long)beside);
	EXPECT_LE(beside, 3 * alone + 20);
	target_let(&t, 4 + BESIDE);
	EXPECT_EQ(0, target_end_within(&t, 60));
}

TEST_HARNESS_MAIN
