// SPDX-License-Identifier: GPL-2.0-only
/* Threads come, wait, fault and end at any time. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#define NR	512 /* pages */
#define THREADS 16

PAGER_FIXTURE(thread)

static struct target_share *share;

static _Atomic uint32_t *gate(void)
{
	return (_Atomic uint32_t *)(void *)&share->value[7];
}

/*
 * Sleeps until the gate opens, then ends the thread; touches no memory of its
 * own in between, so that every page of it is outside when it ends.
 */
static void sleep_and_end(void)
{
	register _Atomic uint32_t *word __asm__("rdi") = gate();
	register uint64_t op __asm__("rsi") = FUTEX_WAIT;
	register uint64_t value __asm__("rdx") = 0;
	register uint64_t timeout __asm__("r10") = 0;

	__asm__ volatile("1: mov %[futex], %%eax\n"
			 "syscall\n"
			 "cmpl $0, (%%rdi)\n"
			 "je 1b\n"
			 "xor %%edi, %%edi\n"
			 "mov %[exit], %%eax\n"
			 "syscall"
			 : "+r"(word)
			 : "r"(op), "r"(value),
			   "r"(timeout), [futex] "i"(SYS_futex), [exit] "i"(SYS_exit)
			 : "rax", "rcx", "r11", "memory");
}

static void *sleeper(void *unused)
{
	/* The kernel would bring the page in for this when the thread wakes up. */
	syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32,
		RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
	sleep_and_end();
	return unused;
}

static void open_gate(void)
{
	atomic_store(gate(), 1);
	syscall(SYS_futex, gate(), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* F7: the kernel clears the thread's id when it ends, and cannot fault then. */
static int join_when_all_is_out(struct target_share *sh)
{
	pthread_attr_t attr;
	pthread_t thread[THREADS];
	uint8_t *stacks = memory_map(THREADS * 16);

	share = sh;
	pthread_attr_init(&attr);
	for (int i = 0; i < THREADS; i++) {
		pthread_attr_setstack(&attr, stacks + (size_t)i * 16 * PAGE_SIZE, 16 * PAGE_SIZE);
		target_check(sh, !pthread_create(&thread[i], &attr, sleeper, NULL));
	}
	for (int i = 0; i < 4; i++)
		memory_press();
	/* What is used of the stacks is out but for the pages that must stay. */
	target_check(sh, wait_until(20, (memory_press(),
					 memory_resident(stacks, THREADS * 16) <= THREADS * 2)));
	open_gate();
	for (int i = 0; i < THREADS; i++)
		target_check(sh, !pthread_join(thread[i], NULL));
	return 0;
}

TEST_F_TIMEOUT(thread, join_returns, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, join_when_all_is_out));
}

struct own {
	uint8_t *p;
	uint64_t seed;
	bool right;
};

static void *write_and_verify(void *arg)
{
	struct own *own = arg;

	own->right = true;
	for (int i = 0; i < 3; i++) {
		memory_fill(own->p, 0, NR / 4, own->seed + (uint64_t)i);
		own->right &= memory_is(own->p, 0, NR / 4, own->seed + (uint64_t)i);
	}
	return NULL;
}

static int storm(struct target_share *sh)
{
	struct own own[2 * THREADS];
	pthread_t thread[2 * THREADS];

	for (int i = 0; i < 2 * THREADS; i++)
		own[i].p = memory_map(NR / 4);
	for (uint64_t round = 0; round < 4; round++) {
		for (int i = 0; i < 2 * THREADS; i++) {
			own[i].seed = round * 1000 + (uint64_t)i * 10;
			target_check(sh,
				     !pthread_create(&thread[i], NULL, write_and_verify, &own[i]));
		}
		for (int i = 0; i < 2 * THREADS; i++)
			pthread_join(thread[i], NULL);
		for (int i = 0; i < 2 * THREADS; i++)
			target_check(sh, own[i].right);
	}
	return 0;
}

TEST_F_TIMEOUT(thread, storm, 90)
{
	struct target t = target_start(&self->pager, storm, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 80));
}

static uint8_t *common;

/* Reads all of the common memory for ever. */
static void *reader(void *arg)
{
	for (uint64_t i = (uint64_t)(uintptr_t)arg;; i += 37)
		if (!memory_page_is(common + i % (4 * NR) * PAGE_SIZE, 1, i % (4 * NR)))
			_exit(3);
	return NULL;
}

static bool start_readers(struct target_share *sh)
{
	pthread_t thread;

	share = sh;
	common = memory_map(4 * NR);
	memory_fill(common, 0, 4 * NR, 1);
	for (uintptr_t i = 0; i < 8; i++)
		if (pthread_create(&thread, NULL, reader, (void *)(i * 100)))
			return false;
	return true;
}

static int exit_amid_faults(struct target_share *sh)
{
	target_check(sh, start_readers(sh));
	sleep_us(100000);
	return 0;
}

static bool pager_is_empty(struct pager *pg)
{
	struct upager_record rec;

	return !upager_ping(pg->client, &rec) && rec.slots_free == rec.slots_total;
}

TEST_F_TIMEOUT(thread, exit_amid_faults, 60)
{
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(0, target_run(&self->pager, exit_amid_faults));
	EXPECT_TRUE(wait_until(10, pager_is_empty(&self->pager)));
}

static int read_for_ever(struct target_share *sh)
{
	target_check(sh, start_readers(sh));
	for (;;)
		pause();
	return 0;
}

TEST_F_TIMEOUT(thread, killed_at_any_time, 90)
{
	for (long i = 0; i < 12; i++) {
		struct target t = target_start(&self->pager, read_for_ever, TARGET_BUDGET);

		sleep_us(1000 + i * i * 1500);
		EXPECT_EQ(TARGET_SIGNAL + SIGKILL, target_kill(&t));
	}
	EXPECT_TRUE(wait_until(10, pager_is_empty(&self->pager)));
}

/* F18: the process goes on without its first thread. */
static void *go_on(void *arg)
{
	uint8_t *p = memory_map(NR);
	pid_t leader = getpid();
	char path[64], text[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", leader, leader);
	do {
		sleep_us(1000);
		fd = open(path, O_RDONLY);
		if (read(fd, text, sizeof(text) - 1) < 0)
			_exit(5);
		close(fd);
	} while (!strstr(text, ") Z"));
	memory_fill(p, 0, NR, 1);
	if (atomic_load(&share->value[0]) && !memory_push_far(p, NR))
		_exit(4);
	memory_press();
	(void)arg;
	_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
}

static int lose_leader(struct target_share *sh)
{
	pthread_t thread;

	share = sh;
	atomic_store(&sh->value[0], 1);
	memory_press();
	target_check(sh, !pthread_create(&thread, NULL, go_on, NULL));
	syscall(SYS_exit, 0);
	return 99;
}

TEST_F_TIMEOUT(thread, leader_is_gone, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, lose_leader));
}

#define IDLE	    1500
#define IDLE_ROUNDS 3
#define IDLE_DEARER 4 /* at most so many times the work for each page that leaves */
#define IDLE_STACK  65536
#define IDLE_PAGES  (16 * NR)

static void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* The same work twice, without and with many threads that do nothing. */
static int work_beside_idle(struct target_share *sh)
{
	uint8_t *p = memory_map(IDLE_PAGES);
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, IDLE_STACK);
	for (uint32_t step = 2; step <= 5; step++) {
		for (int i = 0; step == 4 && i < IDLE; i++)
			target_check(sh, !pthread_create(&thread, &attr, idle, NULL));
		memory_fill(p, 0, IDLE_PAGES, 1);
		for (int i = 0; step % 2 && i < IDLE_ROUNDS; i++)
			target_check(sh, memory_is(p, 0, IDLE_PAGES, 1));
		target_meet(sh, step);
	}
	return 0;
}

static uint64_t ticks_of(pid_t pid)
{
	unsigned long user = 0, kernel = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			 &kernel) != 2)
		user = kernel = 0;
	if (f)
		fclose(f);
	return user + kernel;
}

/* What the pager does between two steps for a thousand pages that leave, in clock ticks. */
static uint64_t cost_of(struct pager *pg, struct target *t, uint32_t step)
{
	uint64_t ticks, evictions;

	if (!target_reached(t, step - 1))
		return 0;
	ticks = ticks_of(pg->pid);
	evictions = pager_status(pg, t->pid).evictions;
	target_let(t, step - 1);
	if (!target_reached(t, step))
		return 0;
	evictions = pager_status(pg, t->pid).evictions - evictions;
	ticks = ticks_of(pg->pid) - ticks;
	target_let(t, step);
	return evictions < NR ? 0 : ticks * 10000 / evictions + 1;
}

TEST_F_TIMEOUT(thread, idle_ones_cost_little, 90)
{
	struct target t;
	uint64_t without, with;

	if (variant->disable)
		SKIP(return, "each of the threads is stopped for each batch, which is dear");
	/* Each keeps a page, and another may be there. */
	t = target_start(&self->pager, work_beside_idle, TARGET_BUDGET + IDLE * 2 * PAGE_SIZE);
	without = cost_of(&self->pager, &t, 3);
	with = cost_of(&self->pager, &t, 5);
	EXPECT_EQ(0, target_end_within(&t, 60));
	EXPECT_LT(0, without);
	EXPECT_LT(0, with);
	EXPECT_LE(with, without * IDLE_DEARER);
	TH_LOG("%llu ticks for 10,000 pages, %llu beside idle threads", (unsigned long long)without,
	       (unsigned long long)with);
}

TEST_HARNESS_MAIN
