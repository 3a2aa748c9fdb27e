// SPDX-License-Identifier: GPL-2.0-only
/* Calls that look at memory, or say something about it, find what is outside as well. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#define NR 512 /* pages; a quarter of them as a part */
#define Q  (NR / 4)

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#include "selftests/paged.h"

PAGER_FIXTURE(hint)

/* Change nothing, or are refused as they are elsewhere. */
static int advise(struct target_share *sh)
{
	static const int harmless[] = { MADV_WILLNEED, MADV_COLD,	MADV_PAGEOUT,
					MADV_RANDOM,   MADV_SEQUENTIAL, MADV_NORMAL };
	uint8_t *p = paged(1);

	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
		target_check(sh, !madvise(at(p, i * 64), Q * PAGE_SIZE, harmless[i]));
		target_check(sh, memory_is(p, i * 64, i * 64 + 32, 1));
	}
	target_check(sh, madvise(p, Q * PAGE_SIZE, MADV_REMOVE) == -1 && errno == EINVAL);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(hint, that_changes_nothing, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, advise));
}

static int populate(struct target_share *sh)
{
	uint8_t *p = paged(1);

	target_check(sh, !madvise(p, Q * PAGE_SIZE, MADV_POPULATE_READ));
	target_check(sh, memory_is(p, 0, Q, 1));
	target_check(sh, !madvise(at(p, Q), Q * PAGE_SIZE, MADV_POPULATE_WRITE));
	target_check(sh, memory_is(p, Q, 2 * Q, 1));
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(hint, populate, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, populate));
}

#define HUGE (2 * MIB / PAGE_SIZE)

/* Huge pages of memory that was out, and out as huge pages. */
static int make_huge(struct target_share *sh)
{
	uint8_t *p = memory_map(2 * HUGE), *q;

	q = (uint8_t *)(((uintptr_t)p + 2 * MIB - 1) & ~(2 * MIB - 1));
	memory_fill(q, 0, HUGE, 1);
	target_check(sh, memory_push_far(q, HUGE));
	target_check(sh, !madvise(q, HUGE * PAGE_SIZE, MADV_HUGEPAGE));
	madvise(q, HUGE * PAGE_SIZE, MADV_COLLAPSE); /* may be refused */
	target_check(sh, memory_is(q, 0, HUGE, 1));
	madvise(q, HUGE * PAGE_SIZE, MADV_COLLAPSE);
	target_check(sh, memory_is(q, 0, HUGE, 1));
	memory_fill(q, 0, HUGE, 2);
	target_check(sh, memory_push_far(q, HUGE));
	target_check(sh, memory_is(q, 0, HUGE, 2));
	target_check(sh, !madvise(q, HUGE * PAGE_SIZE, MADV_DONTNEED));
	target_check(sh, memory_is_zero(q, 0, HUGE));
	memory_fill(q, 0, HUGE, 3);
	target_check(sh, memory_push_far(q, HUGE));
	target_check(sh, memory_is(q, 0, HUGE, 3));
	return 0;
}

TEST_F_TIMEOUT(hint, huge_pages, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, make_huge));
}

static int forget_locked(struct target_share *sh)
{
	uint8_t *p = paged(1);

	target_check(sh, !mlock2(p, 2 * Q * PAGE_SIZE, MLOCK_ONFAULT));
	target_check(sh, memory_is(p, 0, Q / 2, 1));
	if (madvise(p, Q * PAGE_SIZE, MADV_DONTNEED_LOCKED)) {
		target_check(sh, errno == EINVAL); /* before 5.18 */
		return 0;
	}
	target_check(sh, memory_is_zero(p, 0, Q) && memory_is(p, Q, NR, 1));
	target_check(sh, !munlock(p, 2 * Q * PAGE_SIZE));
	target_check(sh, memory_push_out(p, NR));
	target_check(sh, memory_is_zero(p, 0, Q) && memory_is(p, Q, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(hint, dontneed_of_locked_pages, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, forget_locked));
}

/* There or not when nobody may touch them: they are what they were. */
static int hide(struct target_share *sh)
{
	uint8_t *p = paged(1), *q = memory_map(Q);

	memory_fill(q, 0, Q, 2);
	for (int i = 0; i < 2; i++) {
		target_check(sh, !mprotect(p, NR * PAGE_SIZE, PROT_NONE));
		target_check(sh, !mprotect(q, Q * PAGE_SIZE, i ? PROT_NONE : PROT_READ));
		memory_press();
		target_check(sh, !mprotect(p, NR * PAGE_SIZE, PROT_READ | PROT_WRITE));
		target_check(sh, !mprotect(q, Q * PAGE_SIZE, PROT_READ | PROT_WRITE));
		target_check(sh, memory_is(p, 0, NR, 1) && memory_is(q, 0, Q, 2));
	}
	target_check(sh, memory_push_far(q, Q));
	target_check(sh, memory_is(q, 0, Q, 2));
	return 0;
}

TEST_F_TIMEOUT(hint, hidden_for_a_while, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, hide));
}

/* ---- what the kernel writes itself ---- */

static _Atomic int caught;

static void on_signal(int sig)
{
	volatile uint8_t deep[2 * PAGE_SIZE];

	deep[0] = deep[PAGE_SIZE] = (uint8_t)sig;
	atomic_store(&caught, deep[0]);
}

static int signal_on_stack(struct target_share *sh)
{
	uint8_t *p = paged(1);
	stack_t ss = { .ss_sp = p, .ss_size = Q * PAGE_SIZE };
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

	target_check(sh, !sigaltstack(&ss, NULL) && !sigaction(SIGUSR1, &sa, NULL));
	for (int i = 0; i < 5; i++) {
		target_check(sh, memory_push_out(p, Q));
		atomic_store(&caught, 0);
		target_check(sh, !raise(SIGUSR1) && atomic_load(&caught) == SIGUSR1);
	}
	target_check(sh, memory_is(p, Q, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(hint, signal_stack, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, signal_on_stack));
}

static long lock_pi(uint32_t *word)
{
	return syscall(SYS_futex, word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
}

/* Compared in the kernel, which waits for the page; a known limit with priority inheritance. */
static int use_futexes(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	uint32_t *word = (uint32_t *)(void *)p;
	const struct timespec none = { 0 };

	*word = 5;
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, syscall(SYS_futex, word, FUTEX_WAIT, 6, &none, NULL, 0) == -1 &&
				 errno == EAGAIN);
	target_check(sh, *word == 5);
	*word = 0;
	p[PAGE_SIZE] = 1;
	target_check(sh, memory_push_far(p, NR));
	if (lock_pi(word)) {
		target_check(sh, errno == EFAULT);
		target_check(sh, *word == 0); /* brings it in */
		target_check(sh, !lock_pi(word));
	}
	target_check(sh, *word == (uint32_t)syscall(SYS_gettid));
	return 0;
}

TEST_F_TIMEOUT(hint, futexes, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, use_futexes));
}

TEST_HARNESS_MAIN
