// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel walks the robust list of a thread that ends, and gives up where a
 * page of it is out: those who wait for the mutexes never heard of it.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>

#define MUTEXES	  40
#define APART	  16 /* pages from one to the next */
#define PATIENT_S 20

PAGER_FIXTURE(robust)

static void mutex_init(pthread_mutex_t *m, int shared)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, shared);
	pthread_mutex_init(m, &attr);
}

static int wait_for(pthread_mutex_t *m)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENT_S;
	return pthread_mutex_timedlock(m, &until);
}

/* A thread of its own list, each entry in a page of its own, as a run-time may have it. */
struct entry {
	uint64_t next;
	uint32_t futex;
};

static struct list {
	struct robust_list_head *head;
	uint8_t *entries;
	_Atomic uint32_t ready;
	_Atomic uint32_t over;
	_Atomic uint32_t pid;
} list;

static struct entry *entry_at(int i)
{
	return (struct entry *)(void *)(list.entries + (size_t)i * APART * PAGE_SIZE);
}

/* The last one is none of the list but being taken. */
static void list_make(void)
{
	uint32_t tid = (uint32_t)syscall(SYS_gettid);

	for (int i = 0; i < MUTEXES; i++)
		*entry_at(i) = (struct entry){
			.next = (uint64_t)(uintptr_t)(i < MUTEXES - 2 ? (void *)entry_at(i + 1)
								      : (void *)list.head),
			.futex = tid,
		};
	list.head->list.next = (struct robust_list *)(void *)entry_at(0);
	list.head->futex_offset = offsetof(struct entry, futex);
	list.head->list_op_pending = (struct robust_list *)(void *)entry_at(MUTEXES - 1);
	syscall(SYS_set_robust_list, list.head, sizeof(*list.head));
}

static void *list_owner(void *unused)
{
	list_make();
	atomic_store(&list.ready, 1);
	while (!atomic_load(&list.over))
		syscall(SYS_futex, &list.over, FUTEX_WAIT, 0, NULL, NULL, 0);
	return unused;
}

static int list_in_many_pages(struct target_share *sh)
{
	uint8_t *cold = memory_map(512);
	pthread_t thread;
	int died = 0;

	list.head = (struct robust_list_head *)(void *)memory_map(1);
	list.entries = memory_map(MUTEXES * APART);
	target_check(sh, !pthread_create(&thread, NULL, list_owner, NULL));
	target_check(sh, wait_until(PATIENT_S, atomic_load(&list.ready)));
	memory_fill(cold, 0, 512, 1);
	target_check(sh, memory_push_out(cold, 512));
	atomic_store(&list.over, 1);
	syscall(SYS_futex, &list.over, FUTEX_WAKE, 1, NULL, NULL, 0);
	target_check(sh, !pthread_join(thread, NULL));
	for (int i = 0; i < MUTEXES; i++)
		died += !!(entry_at(i)->futex & FUTEX_OWNER_DIED);
	if (died != MUTEXES)
		return target_fail(sh, "%d of %d mutexes were left alone", MUTEXES - died, MUTEXES);
	return 0;
}

TEST_F_TIMEOUT(robust, list_in_many_pages, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, list_in_many_pages));
}

/* Two processes: the second one takes a mutex of both and one that grows cold, and is killed. */
static pthread_mutex_t *of_both;

static int hold_and_grow_cold(struct target_share *sh)
{
	uint8_t *mine = memory_map(512);

	memory_fill(mine, 0, 512, 1);
	mutex_init((pthread_mutex_t *)(void *)mine, PTHREAD_PROCESS_PRIVATE);
	mutex_init((pthread_mutex_t *)(void *)(mine + 256 * PAGE_SIZE), PTHREAD_PROCESS_PRIVATE);
	/* The newest is first on the list: those of both lie between the others. */
	target_check(sh, !pthread_mutex_lock((pthread_mutex_t *)(void *)mine));
	target_check(sh, !pthread_mutex_lock(of_both));
	target_check(sh, !pthread_mutex_lock((pthread_mutex_t *)(void *)(mine + 256 * PAGE_SIZE)));
	target_check(sh, wait_until(30, (memory_press(), memory_resident(mine, 512) <= 2)));
	target_meet(sh, 2);
	pause();
	return 0;
}

TEST_F_TIMEOUT(robust, killed_while_it_holds_one_of_others, 60)
{
	struct target t;

	of_both = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mutex_init(of_both, PTHREAD_PROCESS_SHARED);
	t = target_start(&self->pager, hold_and_grow_cold, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_EQ(TARGET_SIGNAL + SIGKILL, target_kill(&t));
	EXPECT_EQ(EOWNERDEAD, wait_for(of_both));
}

/* Mutexes are taken and left all the time, while what they are in leaves. */
#define CHURN_ROUNDS 12
#define HELD_US	     100000 /* long against what the pager needs to hear of it */

static uint8_t *churn_pages;
static _Atomic uint32_t churn_pressing;

static void *churn_press(void *unused)
{
	while (atomic_load(&churn_pressing))
		memory_press();
	return unused;
}

static pthread_mutex_t *churn_mutex(int i)
{
	return (pthread_mutex_t *)(void *)(churn_pages + (size_t)i * APART * PAGE_SIZE);
}

static void *churn_owner(void *unused)
{
	for (int i = 0; i < MUTEXES; i++)
		if (pthread_mutex_lock(churn_mutex(i)))
			_exit(90);
	sleep_us(HELD_US);
	return unused;
}

static int churn(struct target_share *sh)
{
	pthread_t press, owner;

	churn_pages = memory_map(MUTEXES * APART);
	atomic_store(&churn_pressing, 1);
	target_check(sh, !pthread_create(&press, NULL, churn_press, NULL));
	for (int round = 0; round < CHURN_ROUNDS; round++) {
		for (int i = 0; i < MUTEXES; i++)
			mutex_init(churn_mutex(i), PTHREAD_PROCESS_PRIVATE);
		target_check(sh, !pthread_create(&owner, NULL, churn_owner, NULL));
		target_check(sh, !pthread_join(owner, NULL));
		for (int i = 0; i < MUTEXES; i++) {
			/* The kernel is through when the thread was joined. */
			int err = pthread_mutex_trylock(churn_mutex(i));

			if (err != EOWNERDEAD)
				return target_fail(sh, "round %d, mutex %d: %s", round, i,
						   strerror(err));
			pthread_mutex_unlock(churn_mutex(i));
		}
	}
	atomic_store(&churn_pressing, 0);
	pthread_join(press, NULL);
	return 0;
}

TEST_F_TIMEOUT(robust, taken_while_pages_leave, 90)
{
	struct target t = target_start(&self->pager, churn, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 80));
}

/* What a program does with its list is its own affair: the pager goes on. */
static void *liar(void *unused)
{
	uint8_t *page = memory_map(2);
	struct robust_list_head *head = (void *)(page + PAGE_SIZE - 8);
	struct robust_list_head *ring = (void *)page;

	/* Round and round, without ever meeting the head. */
	ring->list.next = &ring->list;
	head->list.next = &ring->list;
	head->futex_offset = -0x7000000000000000L;
	head->list_op_pending = (void *)-9L;
	syscall(SYS_set_robust_list, head, sizeof(*head));
	atomic_store(&list.ready, 1);
	while (!atomic_load(&list.over))
		syscall(SYS_futex, &list.over, FUTEX_WAIT, 0, NULL, NULL, 0);
	return unused;
}

static int lie(struct target_share *sh)
{
	uint8_t *cold = memory_map(512);
	pthread_t thread;

	target_check(sh, !pthread_create(&thread, NULL, liar, NULL));
	target_check(sh, wait_until(PATIENT_S, atomic_load(&list.ready)));
	memory_fill(cold, 0, 512, 1);
	target_check(sh, memory_push_out(cold, 512));
	target_check(sh, memory_is(cold, 0, 512, 1));
	return 0;
}

TEST_F_TIMEOUT(robust, lists_that_lie, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, lie));
}

TEST_HARNESS_MAIN
