// SPDX-License-Identifier: GPL-2.0-only
/* What a program asks for by madvise(), mprotect() and mlock() holds for pages that are outside. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <setjmp.h>

#define NR 1024 /* pages; a quarter of them as a part */
#define Q  (NR / 4)

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif

#include "selftests/paged.h"

PAGER_FIXTURE(advice)

/* Resident, in standby and on the device. */
static int dont_need(struct target_share *sh)
{
	uint8_t *p = paged(1), *q = memory_map(NR), *r = memory_map(Q);

	memory_fill(q, 0, NR, 2);
	target_check(sh, memory_push_out(q, NR));
	memory_fill(r, 0, Q, 3);
	target_check(sh, !madvise(at(p, Q), Q * PAGE_SIZE, MADV_DONTNEED));
	target_check(sh, !madvise(at(q, Q), Q * PAGE_SIZE, MADV_DONTNEED));
	target_check(sh, !madvise(r, Q * PAGE_SIZE, MADV_DONTNEED));
	target_check(sh, memory_is_zero(p, Q, 2 * Q));
	target_check(sh, memory_is_zero(q, Q, 2 * Q));
	target_check(sh, memory_is_zero(r, 0, Q));
	memory_fill(p, Q, 2 * Q, 4);
	target_check(sh, memory_push_out(p, NR));
	target_check(sh, memory_is(p, Q, 2 * Q, 4));
	target_check(sh, memory_is(p, 0, Q, 1));
	target_check(sh, memory_is(p, 2 * Q, NR, 1));
	target_check(sh, memory_is(q, 0, Q, 2));
	target_check(sh, memory_is(q, 2 * Q, NR, 2));
	return 0;
}

TEST_F_TIMEOUT(advice, dontneed_forgets, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, dont_need));
}

/* Freed pages are old or zero until written, and what is written then stays. */
static int free_lazily(struct target_share *sh)
{
	uint8_t *p = paged(1), *q = memory_map(Q);

	memory_fill(q, 0, Q, 2);
	target_check(sh, !madvise(p, 2 * Q * PAGE_SIZE, MADV_FREE));
	target_check(sh, !madvise(q, Q * PAGE_SIZE, MADV_FREE));
	for (uint64_t i = 0; i < 2 * Q; i++)
		target_check(sh, memory_page_is_zero(at(p, i)) || memory_page_is(at(p, i), 1, i));
	for (uint64_t i = 0; i < Q; i++)
		target_check(sh, memory_page_is_zero(at(q, i)) || memory_page_is(at(q, i), 2, i));
	memory_fill(p, 0, Q, 3);
	memory_fill(q, 0, Q, 4);
	memory_press();
	memory_press();
	target_check(sh, memory_is(p, 0, Q, 3));
	target_check(sh, memory_is(q, 0, Q, 4));
	target_check(sh, memory_is(p, 2 * Q, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(advice, free_keeps_later_writes, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, free_lazily));
}

/* F3: pages that MADV_FREE left there are the pager's again after they were written. */
static int free_and_use_again(struct target_share *sh)
{
	uint8_t *p = memory_map(NR / 2);

	memory_fill(p, 0, NR / 2, 1);
	memory_press();
	memory_fill(p, 0, NR / 2, 2);
	target_check(sh, !madvise(p, NR / 2 * PAGE_SIZE, MADV_FREE));
	memory_fill(p, 0, NR / 2, 3);
	target_check(sh, memory_push_out(p, NR / 2));
	target_check(sh, memory_is(p, 0, NR / 2, 3));
	return 0;
}

TEST_F_TIMEOUT(advice, free_pages_can_leave_later, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, free_and_use_again));
}

static sigjmp_buf caught;

static void catch (int sig)
{
	siglongjmp(caught, sig);
}

/* The signal that reading a byte raises, or 0. */
static int signal_of_read(const volatile uint8_t *p)
{
	int sig;

	signal(SIGSEGV, catch);
	signal(SIGBUS, catch);
	sig = sigsetjmp(caught, 1);
	if (!sig)
		(void)*p;
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	return sig;
}

static int protect(struct target_share *sh)
{
	uint8_t *p = paged(1);

	target_check(sh, !mprotect(at(p, Q), Q * PAGE_SIZE, PROT_NONE));
	target_check(sh, !mprotect(at(p, 2 * Q), Q * PAGE_SIZE, PROT_READ));
	target_check(sh, signal_of_read(at(p, Q)) == SIGSEGV);
	target_check(sh, memory_is(p, 2 * Q, NR, 1));
	memory_press();
	memory_press();
	target_check(sh, memory_is(p, 2 * Q, NR, 1));
	target_check(sh, !mprotect(p, NR * PAGE_SIZE, PROT_READ | PROT_WRITE));
	target_check(sh, memory_is(p, 0, NR, 1));
	memory_fill(p, 0, NR, 2);
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, memory_is(p, 0, NR, 2));
	return 0;
}

TEST_F_TIMEOUT(advice, mprotect_applies, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, protect));
}

static int lock_a_part(struct target_share *sh)
{
	uint8_t *p = memory_map(Q);

	memory_fill(p, 0, Q, 1);
	target_check(sh, memory_push_out(p, Q));
	target_check(sh, !mlock(p, Q * PAGE_SIZE));
	target_check(sh, memory_resident(p, Q) == Q);
	target_check(sh, memory_is(p, 0, Q, 1));
	memory_fill(p, 0, Q, 2);
	for (int i = 0; i < 6; i++) {
		memory_press();
		target_check(sh, memory_resident(p, Q) == Q);
	}
	target_check(sh, memory_is(p, 0, Q, 2));
	target_check(sh, !munlock(p, Q * PAGE_SIZE));
	target_check(sh, memory_push_out(p, Q));
	target_check(sh, memory_is(p, 0, Q, 2));
	return 0;
}

TEST_F_TIMEOUT(advice, mlocked_pages_stay, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, lock_a_part));
}

/* F16: locks staging too, and faults on all of it. */
static int lock_all(struct target_share *sh)
{
	uint8_t *p = memory_map(Q);

	memory_fill(p, 0, Q, 1);
	target_check(sh, memory_push_out(p, Q));
	target_check(sh, !mlockall(MCL_CURRENT));
	target_check(sh, memory_resident(p, Q) == Q);
	target_check(sh, memory_is(p, 0, Q, 1));
	memory_fill(p, 0, Q, 2);
	target_check(sh, !munlockall());
	target_check(sh, memory_push_far(p, Q));
	target_check(sh, memory_is(p, 0, Q, 2));
	return 0;
}

TEST_F_TIMEOUT(advice, mlockall_returns, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, lock_all));
}

/* All that comes later is locked: it stays, and the program goes on beyond its budget. */
static int lock_future(struct target_share *sh)
{
	uint8_t *p = paged(1), *q;

	target_check(sh, !mlockall(MCL_FUTURE));
	q = memory_map(NR);
	target_check(sh, memory_resident(q, NR) == NR);
	memory_fill(q, 0, NR, 2);
	memory_press();
	target_check(sh, memory_resident(q, NR) == NR);
	target_check(sh, memory_is(q, 0, NR, 2));
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(advice, mlockall_future_stays, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, lock_future));
}

/* F9: no event tells.  What the kernel holds wins: a guard page faults, others keep their contents. */
static int guard(struct target_share *sh)
{
	uint8_t *p = memory_map(Q), *q = memory_map(Q);

	/* Enough to be registered, too little for anything to leave yet. */
	memory_fill(q, 0, Q, 1);
	memory_fill(p, 0, Q, 2);
	sleep_us(100000);
	if (madvise(at(p, 8), 8 * PAGE_SIZE, MADV_GUARD_INSTALL)) {
		atomic_store(&sh->value[0], 1);
		return 0;
	}
	target_check(sh, signal_of_read(at(p, 8)) == SIGSEGV);
	memory_press();
	memory_press();
	target_check(sh, signal_of_read(at(p, 15)) == SIGSEGV);
	target_check(sh, memory_is(p, 0, 8, 2));
	target_check(sh, memory_is(p, 16, Q, 2));
	target_check(sh, !madvise(at(p, 8), 8 * PAGE_SIZE, MADV_GUARD_REMOVE));
	target_check(sh, memory_is_zero(p, 8, 16));
	memory_fill(p, 8, 16, 3);
	target_check(sh, memory_push_out(p, Q));
	target_check(sh, memory_is(p, 8, 16, 3));
	return 0;
}

TEST_F_TIMEOUT(advice, guard_pages_of_resident_memory, 60)
{
	struct target t = target_start(&self->pager, guard, TARGET_BUDGET);

	target_reached(&t, 1);
	if (wait_until(1, atomic_load(&t.share->value[0])))
		SKIP(return, "no MADV_GUARD_INSTALL in this kernel");
	EXPECT_EQ(0, target_end(&t));
}

TEST_HARNESS_MAIN
