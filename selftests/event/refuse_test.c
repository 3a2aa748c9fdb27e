// SPDX-License-Identifier: GPL-2.0-only
/*
 * Children that cannot be taken on get SIGBUS where they need the swap area.
 * Regression: they waited until they were killed, and after a thousand of them
 * the daemon could never be stopped.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <pthread.h>
#include <setjmp.h>

#define NR 512 /* pages */

FIXTURE(refuse)
{
	struct pager pager;
};

FIXTURE_VARIANT(refuse)
{
	const char *disable;
	bool by_signal; /* as before Linux 6.6 */
};

FIXTURE_VARIANT_ADD(refuse, move){ .disable = NULL };
FIXTURE_VARIANT_ADD(refuse, stopped){ .disable = "move" };
FIXTURE_VARIANT_ADD(refuse, move_by_signal){ .disable = "poison", .by_signal = true };
FIXTURE_VARIANT_ADD(refuse, stopped_by_signal){ .disable = "move,poison", .by_signal = true };

FIXTURE_SETUP(refuse)
{
	struct pager_options opt = { .disable = variant->disable,
				     .failpoints = "fork_read=err:12" };

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
}

PAGER_TEARDOWN(refuse)

/* All that is outside, of all that there is. */
static uint8_t *far_map(struct target_share *sh)
{
	uint8_t *far = memory_map(NR);

	memory_fill(far, 0, NR, 1);
	if (mlockall(MCL_CURRENT) || munlock(far, NR * PAGE_SIZE) || !memory_push_far(far, NR))
		target_fail(sh, "what is far is not (errno %d)", errno);
	return far;
}

/* What it has itself it may use, also when the pager is gone. */
static int child_of(struct target_share *sh, const uint8_t *here, const uint8_t *far)
{
	uint8_t *fresh = memory_map(8);

	target_meet(sh, 2);
	memory_fill(fresh, 0, 8, 3);
	if (!memory_is(fresh, 0, 8, 3) || !memory_is(here, 0, 1, 2))
		return 4;
	return memory_page_is_zero(far) ? 5 : 6;
}

static int have_children(struct target_share *sh)
{
	uint8_t *here = memory_map(1), *far;
	pid_t child[4];

	memory_fill(here, 0, 1, 2);
	far = far_map(sh);
	target_check(sh, !sh->why[0]);
	for (uint64_t i = 0; i < 4; i++) {
		child[i] = fork();
		if (!child[i])
			_exit(child_of(sh, here, far + i * PAGE_SIZE));
	}
	target_check(sh, memory_is(far, 0, NR, 1));
	atomic_store(&sh->value[0], 1);
	for (int i = 0; i < 4; i++)
		target_check(sh, status_of(child[i]) == TARGET_SIGNAL + SIGBUS);
	target_check(sh, memory_is(far, 0, NR, 1) && memory_is(here, 0, 1, 2));
	return 0;
}

TEST_F_TIMEOUT(refuse, gets_sigbus, 60)
{
	struct target t = target_start(&self->pager, have_children, TARGET_BUDGET);

	ASSERT_TRUE(target_reached(&t, 2)) TH_LOG("%s", t.share->why);
	ASSERT_TRUE(wait_until(20, atomic_load(&t.share->value[0])));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_TRUE(wait_until(5, pager_logged(&self->pager, "get SIGBUS")));
}

TEST_F_TIMEOUT(refuse, lives_on_without_the_pager, 60)
{
	struct target t;

	if (variant->by_signal)
		SKIP(return, "who is not poisoned would read zeros: the pager stays");
	t = target_start(&self->pager, have_children, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&t, 2)) TH_LOG("%s", t.share->why);
	ASSERT_TRUE(wait_until(20, atomic_load(&t.share->value[0])));
	EXPECT_EQ(0, pager_stop(&self->pager));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

/* They fault while no daemon lives. */
TEST_F_TIMEOUT(refuse, the_next_daemon_knows, 60)
{
	struct pager_options opt = { .disable = variant->disable };
	struct target t = target_start(&self->pager, have_children, TARGET_BUDGET);

	ASSERT_TRUE(target_reached(&t, 2)) TH_LOG("%s", t.share->why);
	ASSERT_TRUE(wait_until(20, atomic_load(&t.share->value[0])));
	pager_kill(&self->pager);
	target_let(&t, 2);
	sleep_us(100000);
	ASSERT_EQ(0, pager_restart(&self->pager, &opt));
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static void return_from(int sig)
{
	(void)sig; /* to the same page */
}

static sigjmp_buf elsewhere;

static void jump(int sig)
{
	siglongjmp(elsewhere, sig);
}

enum reaction {
	BLOCKS,
	IGNORES,
	RETURNS,
	RETURNS_TWICE, /* two threads, at two pages */
	WRITES, /* the kernel faults for it */
	FORKS, /* its child is no better off */
	JUMPS,
	NR_REACTIONS,
};

static void *touch(void *page)
{
	return memory_page_is_zero(page) ? page : NULL;
}

static int react(enum reaction how, const uint8_t *far)
{
	pthread_t thread;
	sigset_t bus;
	int fds[2];

	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	if (how == BLOCKS)
		sigprocmask(SIG_BLOCK, &bus, NULL);
	if (how == IGNORES)
		signal(SIGBUS, SIG_IGN);
	if (how == RETURNS || how == RETURNS_TWICE)
		signal(SIGBUS, return_from);
	if (how == RETURNS_TWICE &&
	    pthread_create(&thread, NULL, touch, (void *)(uintptr_t)(far + PAGE_SIZE)))
		return 7;
	if (how == WRITES && !pipe(fds) && write(fds[1], far, PAGE_SIZE) > 0)
		return 4;
	if (how == FORKS)
		return status_of(fork()) == TARGET_SIGNAL + SIGBUS ? 0 : memory_page_is_zero(far);
	if (how == JUMPS) {
		signal(SIGBUS, jump);
		if (sigsetjmp(elsewhere, 1))
			return 0;
	}
	return memory_page_is_zero(far) ? 5 : 6;
}

static int have_stubborn_children(struct target_share *sh)
{
	uint8_t *far = far_map(sh);
	pid_t child[NR_REACTIONS];

	target_check(sh, !sh->why[0]);
	for (int i = 0; i < NR_REACTIONS; i++) {
		child[i] = fork();
		if (!child[i])
			_exit(react((enum reaction)i, far));
	}
	for (int i = 0; i < NR_REACTIONS; i++) {
		int status = status_of(child[i]);

		if (status != (i >= FORKS ? 0 : TARGET_SIGNAL + SIGKILL) &&
		    status != TARGET_SIGNAL + SIGBUS)
			return target_fail(sh, "reaction %d ended with %d", i, status);
	}
	target_check(sh, memory_is(far, 0, NR, 1));
	return 0;
}

/* Regression: before Linux 6.6 they waited until somebody killed them. */
TEST_F_TIMEOUT(refuse, ends_whatever_it_does, 60)
{
	if (!variant->by_signal)
		SKIP(return, "the kernel sees to that");
	EXPECT_EQ(0, target_run(&self->pager, have_stubborn_children));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

#define BROOD 60

/* Each lives until all are there; SIGBUS is the worst that it may get. */
static int have_many(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child[BROOD];
	int right = 0;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	for (int i = 0; i < BROOD; i++) {
		child[i] = fork();
		if (!child[i]) {
			while (!atomic_load(&sh->value[0]))
				sleep_us(10000);
			_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
		}
		target_check(sh, child[i] > 0);
	}
	atomic_store(&sh->value[0], 1);
	for (int i = 0; i < BROOD; i++) {
		int status = status_of(child[i]);

		target_check(sh, !status || status == TARGET_SIGNAL + SIGBUS);
		right += !status;
	}
	target_check(sh, right);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

/* Regression: a fork waited until another process gave descriptors back. */
TEST(few_descriptors)
{
	struct pager_options opt = { .nofile = 64 };
	struct pager pager;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	EXPECT_EQ(0, target_run(&pager, have_many));
	EXPECT_EQ(0, pager_stop(&pager));
	pager_fini(&pager);
}

TEST_HARNESS_MAIN
