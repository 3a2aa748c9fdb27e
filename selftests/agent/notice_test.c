// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 180
 *
 * System calls that a program waits in return what they return when nobody
 * disturbs them: the pager stops threads, which a call may notice as it does a
 * signal.  Regression: of these, those that are not QUICK returned early.
 */
#include "selftests/agent/notice_waits.h"

#include <pthread.h>

#include <kselftest_harness.h>

#include "kernel/breakpoint.h"

/* A stop there cannot be noticed: to be attached at once. */
#define QUICK 1

#define CALL(name, want, how)                 \
	{                                     \
#name, call_##name, want, how \
	}

static const struct call {
	const char *name;
	long (*call)(void);
	long want;
	int how;
} calls[] = {
	CALL(pipe_write, BIG, 0),
	CALL(pipe_writev, BIG, 0),
	CALL(unix_write, BIG, 0),
	CALL(send_limit, BIG, 0),
	CALL(sendfile, BIG, 0),
	CALL(recv_waitall, BIG, 0),
	CALL(splice, 1, 0),
	CALL(read, 1, QUICK),
	CALL(read_limit, 1, 0),
	CALL(readv_limit, 1, 0),
	CALL(recvmmsg_limit, 1, 0),
	CALL(connect_limit, 0, 0),
	CALL(epoll, 1, QUICK),
	CALL(epoll_limit, 1, 0),
	CALL(poll, 1, QUICK),
	CALL(sigtimedwait, SIGUSR1, 0),
	CALL(signalfd, sizeof(struct signalfd_siginfo), QUICK),
	CALL(semtimedop, 0, 0),
	CALL(msgrcv, 8, QUICK),
	CALL(eventfd, 8, QUICK),
	CALL(futex, 0, 0),
	CALL(flock, 0, QUICK),
	CALL(open_fifo, 0, QUICK),
	CALL(waitid, 0, QUICK),
	CALL(read_zeros, BIG, 0),
};

/* What value[] of the share holds. */
enum {
	WHICH,
	GROWS,
	TIMES,
	FORKS
};

PAGER_FIXTURE(notice)

static _Atomic bool over;

static void *grow(void *bytes)
{
	size_t size = (size_t)(uintptr_t)bytes;
	volatile char *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	while (!over)
		for (size_t i = 0; i < size && !over; i += PAGE_SIZE)
			p[i]++;
	return NULL;
}

static int wait_in_call(struct target_share *sh)
{
	const struct call *c = &calls[sh->value[WHICH]];
	pthread_t thread;
	sigset_t set;
	long ret;
	int err;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set); /* in every thread */
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	calls_share = sh;
	big = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(big, 7, BIG);
	if (sh->value[FORKS]) {
		pid_t child = fork();

		if (child)
			return status_of(child);
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	}
	if (sh->value[GROWS])
		pthread_create(&thread, NULL, grow, (void *)(uintptr_t)sh->value[GROWS]);
	atomic_store(&sh->at, 2);
	errno = 0;
	ret = c->call();
	err = errno;
	over = true;
	if (calls_helper > 0)
		kill(calls_helper, SIGKILL);
	if (ret == c->want)
		return 0;
	return target_fail(sh, "%s returned %ld (errno %d), undisturbed %ld", c->name, ret, err,
			   c->want);
}

static struct target begin(size_t which, uint64_t grows, bool forks)
{
	struct target t = target_fork(wait_in_call);

	t.share->value[WHICH] = which;
	t.share->value[GROWS] = grows;
	t.share->value[FORKS] = forks;
	return t;
}

static int attach_twice(struct pager *pg, const struct target *t, bool quick)
{
	int err = 0;

	for (int i = 0; !err && i < 2; i++) {
		err = upager_attach(pg->client, t->pid, TARGET_BUDGET, 0, NULL);
		if (err == -EAGAIN && !quick) {
			err = 0;
			continue;
		}
		if (!err)
			err = upager_detach(pg->client, t->pid, NULL);
	}
	if (err)
		fprintf(stderr, "# %s\n", upager_last_reply(pg->client)->text);
	return err;
}

TEST_F_TIMEOUT(notice, attach_and_detach, 120)
{
	struct target t[ARRAY_SIZE(calls)];

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		t[i] = begin(i, 0, false);
		target_let(&t[i], 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		EXPECT_TRUE(target_reached(&t[i], 2));
	sleep_us(100000); /* they sleep now; those that do not miss their test only */
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		EXPECT_EQ(0, attach_twice(&self->pager, &t[i], calls[i].how & QUICK))
		TH_LOG("%s", calls[i].name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		target_let(&t[i], 2);
		EXPECT_EQ(0, target_end(&t[i])) TH_LOG("%s", calls[i].name);
	}
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* It takes the risk: the thread is stopped at once. */
TEST_F(notice, attach_now)
{
	struct target t = begin(0, 0, false);
	int err;

	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2));
	sleep_us(100000);
	EXPECT_EQ(-EAGAIN, upager_attach(self->pager.client, t.pid, TARGET_BUDGET, 0, NULL));
	EXPECT_NE(NULL, strstr(upager_last_reply(self->pager.client)->text, "(write)"));
	err = upager_attach(self->pager.client, t.pid, TARGET_BUDGET, UPAGER_ATTACH_NOW, NULL);
	/* It noticed, and may have ended for that before it was attached. */
	EXPECT_TRUE(!err || err == -ESRCH)
	TH_LOG("%d: %s", err, upager_last_reply(self->pager.client)->text);
	target_kill(&t);
}

#define AT_ONCE 5

/* Whether it was disturbed enough for the test to mean anything, or will not be. */
static bool is_disturbed(struct pager *pg, pid_t pid, bool stops)
{
	struct upager_record rec = pager_status(pg, pid);

	if (stops && !breakpoint_fires() && strstr(rec.text, "would notice"))
		return true;
	return stops ? rec.pauses >= 5 : rec.evictions >= 2000;
}

/* A few calls side by side: none noticed. */
static bool unnoticed(struct pager *pg, size_t first, bool stops)
{
	size_t nr = min_t(size_t, AT_ONCE, ARRAY_SIZE(calls) - first);
	struct target t[AT_ONCE];
	bool right = true;

	for (size_t i = 0; i < nr; i++) {
		t[i] = begin(first + i, 2 * TARGET_BUDGET, false);
		right &= !target_attach(pg, &t[i], TARGET_BUDGET);
		target_let(&t[i], 1);
	}
	for (size_t i = 0; i < nr; i++) {
		if (wait_until(20, is_disturbed(pg, t[i].pid, stops)))
			continue;
		fprintf(stderr, "# %s: %s\n", calls[first + i].name,
			pager_status(pg, t[i].pid).text);
		right = false;
	}
	for (size_t i = 0; i < nr; i++) {
		target_let(&t[i], 2);
		if (!target_end(&t[i]))
			continue;
		fprintf(stderr, "# %s noticed\n", calls[first + i].name);
		right = false;
	}
	return right;
}

/*
 * Where breakpoints do not fire a shared futex may show its wake-up, and the processor may be
 * the hypervisor's at the very moment: but not each time.
 */
static void under_eviction(struct __test_metadata *_metadata, struct pager *pg, bool stops)
{
	int tries = stops && !breakpoint_fires() ? 4 : 1;

	for (size_t first = 0; first < ARRAY_SIZE(calls); first += AT_ONCE) {
		bool right = false;

		for (int i = 0; i < tries && !right; i++)
			right = unnoticed(pg, first, stops);
		EXPECT_TRUE(right);
	}
}

TEST_F_TIMEOUT(notice, eviction, 120)
{
	under_eviction(_metadata, &self->pager, variant->disable);
	EXPECT_EQ(0, pager_stop(&self->pager));
}

#define FORKED_MAX 6

/* How many noticed, which are in *which then. */
static size_t noticed_by_children(struct pager *pg, size_t *which, size_t nr)
{
	struct target t[FORKED_MAX];
	size_t nr_noticed = 0;
	bool ready = true;

	for (size_t i = 0; i < nr; i++) {
		t[i] = begin(which[i], 2 * TARGET_BUDGET, true);
		ready &= !target_attach(pg, &t[i], TARGET_BUDGET);
		target_let(&t[i], 1);
	}
	for (size_t i = 0; i < nr; i++)
		ready &= target_reached(&t[i], 2);
	sleep_us(1500000); /* it gets one after half a second; later it misses its test only */
	for (size_t i = 0; i < nr; i++) {
		target_let(&t[i], 2);
		if (!target_end(&t[i]) && ready)
			continue;
		fprintf(stderr, "# %s noticed\n", calls[which[i]].name);
		which[nr_noticed++] = which[i];
	}
	return nr_noticed;
}

/*
 * Where a child gets an agent: the only thread of it that there is waits.  A trap
 * may be late by a microsecond, in which the thread goes to wait: but hardly twice.
 */
TEST_F_TIMEOUT(notice, forked, 120)
{
	size_t which[FORKED_MAX] = { 0, 4, 5, 9, 13, 19 };
	size_t nr = noticed_by_children(&self->pager, which, FORKED_MAX);

	if (nr)
		nr = noticed_by_children(&self->pager, which, nr);
	EXPECT_EQ(0, nr);
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/*
 * Regression: a wait with a limit longer than the program ran between two stops
 * began anew each time, so that it took as long as there were stops.
 */
static int wait_again(struct target_share *sh)
{
	const struct timespec limit = { .tv_nsec = 400000000 };
	struct epoll_event event;
	pthread_t thread;
	int ep = epoll_create1(0);
	sigset_t set;

	sigemptyset(&set);
	pthread_create(&thread, NULL, grow, (void *)(uintptr_t)(2 * TARGET_BUDGET));
	for (int i = 0; i < 3; i++) {
		target_check(sh, epoll_wait(ep, &event, 1, 400) == 0);
		target_check(sh, sigtimedwait(&set, NULL, &limit) == -1 && errno == EAGAIN);
	}
	atomic_store(&sh->at, 2);
	over = true;
	return 0;
}

TEST_F_TIMEOUT(notice, time_limits_end, 120)
{
	struct target t = target_start(&self->pager, wait_again, TARGET_BUDGET);

	EXPECT_TRUE(target_reached(&t, 2));
	EXPECT_EQ(0, target_end(&t));
}

static int wait_again_deaf(struct target_share *sh)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return wait_again(sh);
}

/* Regression: those of a thread that no trap reaches still did. */
TEST_F_TIMEOUT(notice, time_limits_end_where_signals_are_blocked, 120)
{
	struct target t = target_start(&self->pager, wait_again_deaf, TARGET_BUDGET);

	EXPECT_TRUE(target_reached(&t, 2));
	EXPECT_EQ(0, target_end(&t));
}

TEST_HARNESS_MAIN
