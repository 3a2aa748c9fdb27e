// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who pages programs must not die of what is meant for others: a terminal that is closed, messages
 * that nobody reads, limits of the shell that it was started from.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <sys/ioctl.h>

#define NR 1024 /* pages */

FIXTURE(signals)
{
	struct pager pager;
	int pipe[2];
};

FIXTURE_SETUP(signals)
{
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC));
}

PAGER_TEARDOWN(signals)

static int push_and_read(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_meet(sh, 2);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

static bool is_for_the_daemon(int sig)
{
	switch (sig) {
	case SIGKILL:
	case SIGSTOP:
	case SIGTERM:
	case SIGINT:
	case SIGQUIT:
	case SIGABRT: /* these tell of a bug */
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGSEGV:
	case SIGSYS:
	case SIGTRAP:
		return true;
	default:
		return false;
	}
}

static int tell(const struct pager *pg, int sig)
{
	return pg->pid ? kill(pg->pid, sig) : -1;
}

/* Not a zombie, and neither stopped. */
static bool runs(struct pager *pg)
{
	int status;

	return !pager_ended(pg, &status) && pager_answers(pg);
}

TEST_F_TIMEOUT(signals, are_survived, 60)
{
	const struct pager_options opt = { 0 };
	struct target t;

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	t = target_start(&self->pager, push_and_read, TARGET_BUDGET);
	EXPECT_TRUE(target_reached(&t, 2));
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		if (is_for_the_daemon(sig) || (sig >= __SIGRTMIN && sig < SIGRTMIN))
			continue;
		EXPECT_EQ(0, tell(&self->pager, sig));
		if (!runs(&self->pager)) {
			TH_LOG("after signal %d", sig);
			break;
		}
	}
	EXPECT_TRUE(runs(&self->pager));
	EXPECT_TRUE(pager_logged(&self->pager, "SIGHUP"));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(signals, quit_gives_everything_back, 60)
{
	const struct pager_options opt = { 0 };
	struct target t;
	int status = -1;

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	t = target_start(&self->pager, push_and_read, TARGET_BUDGET);
	EXPECT_TRUE(target_reached(&t, 2));
	EXPECT_EQ(0, tell(&self->pager, SIGQUIT));
	tell(&self->pager, SIGINT);
	EXPECT_TRUE(wait_until(20, pager_ended(&self->pager, &status)));
	EXPECT_EQ(0, status);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

/* Regression: SIGPIPE at the first message. */
TEST_F_TIMEOUT(signals, messages_to_nobody, 60)
{
	struct pager_options opt = { .errors = self->pipe[1] };

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	close(self->pipe[0]);
	EXPECT_EQ(0, tell(&self->pager, SIGHUP)); /* of which it says something */
	sleep_us(100000);
	EXPECT_TRUE(runs(&self->pager));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Regression: it waited with the message, and everybody for it. */
TEST_F_TIMEOUT(signals, messages_unread, 60)
{
	struct pager_options opt = { .errors = self->pipe[1] };
	char text[65536];
	int waiting = 0;
	ssize_t n;

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	ASSERT_EQ(0, ioctl(self->pipe[0], FIONREAD, &waiting));
	memset(text, '\n', sizeof(text));
	fcntl(self->pipe[1], F_SETFL, O_NONBLOCK);
	while (write(self->pipe[1], text, 512) > 0)
		;
	fcntl(self->pipe[1], F_SETFL, 0);
	EXPECT_EQ(0, tell(&self->pager, SIGHUP));
	sleep_us(100000);
	EXPECT_TRUE(pager_ended(&self->pager, &waiting) ||
		    wait_until(5, pager_answers(&self->pager)));
	/* Read at last, it says that some were lost. */
	while ((n = read(self->pipe[0], text, sizeof(text))) == (ssize_t)sizeof(text))
		;
	EXPECT_EQ(0, tell(&self->pager, SIGHUP));
	EXPECT_TRUE(wait_until(5, (n = read(self->pipe[0], text, sizeof(text) - 1)) > 0 &&
					  (text[n] = '\0', strstr(text, "were lost"))));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Regression: the area was opened as descriptor 2, and got the messages. */
TEST_F_TIMEOUT(signals, no_standard_error, 60)
{
	struct pager_options opt = { .errors = -1 };

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	EXPECT_EQ(0, tell(&self->pager, SIGHUP));
	sleep_us(100000);
	EXPECT_EQ(0, pager_stop(&self->pager));
	opt.errors = 0;
	self->pager.pid = pager_spawn(&self->pager, &opt);
	EXPECT_TRUE(wait_until(20, pager_answers(&self->pager)));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static int push_somewhat(struct target_share *sh)
{
	uint8_t *p = memory_map(4 * NR);

	for (uint64_t i = 1; i < 4; i++) {
		target_check(sh, i == 1 || memory_is(p, 0, 4 * NR, i - 1));
		memory_fill(p, 0, 4 * NR, i);
	}
	return 0;
}

/* Regression: the agent could not write the pool, and kept the only copy for ever. */
TEST_F_TIMEOUT(signals, limits_are_for_others, 60)
{
	const struct pager_options opt = { .fsize = 4 * PAGE_SIZE };

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	for (int hard = 0; hard < 2; hard++) {
		struct rlimit limit = { 4 * PAGE_SIZE, hard ? 4 * PAGE_SIZE : RLIM_INFINITY };
		struct target t = target_fork(push_somewhat);
		int err;

		EXPECT_EQ(0, prlimit(t.pid, RLIMIT_FSIZE, &limit, NULL));
		/* What it may not do it says, where the daemon cannot lift that. */
		err = target_attach(&self->pager, &t, TARGET_BUDGET);
		EXPECT_TRUE(!err || (hard && err == -EFBIG));
		target_let(&t, 2);
		EXPECT_EQ(0, target_end_within(&t, 20));
	}
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
