/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_TARGET_H
#define UPAGER_SELFTESTS_TARGET_H

#include <stdatomic.h>
#include <sys/mman.h>

#include "base/types.h"
#include "selftests/pager.h"

/*
 * A paged program: a child that runs a function of the test once it is
 * attached.  Test and function meet in a page that both share, which the pager
 * leaves alone.
 */
struct target_share {
	_Atomic uint32_t go; /* the test: steps that the function may pass */
	_Atomic uint32_t at; /* the function: step that it has come to */
	_Atomic uint64_t value[8]; /* as the two agree */
	char why[256];
};

typedef int (*target_fn)(struct target_share *sh);

struct target {
	pid_t pid;
	struct target_share *share;
};

#define TARGET_BUDGET  (4 * MIB)
/* Statuses of target_end() beyond exit codes. */
#define TARGET_SIGNAL  1000
#define TARGET_HANGS   2000
#define TARGET_REFUSED 3000

/* ---- in the target ---- */

/* Says why the function fails; the first reason counts. */
__attribute__((format(printf, 2, 3))) static inline int target_fail(struct target_share *sh,
								    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!sh->why[0])
		vsnprintf(sh->why, sizeof(sh->why), fmt, ap);
	va_end(ap);
	return 1;
}

#define target_check(sh, expression)                                                            \
	do {                                                                                    \
		if (!(expression))                                                              \
			return target_fail(sh, "line %d: %s (errno %d)", __LINE__, #expression, \
					   errno);                                              \
	} while (0)

/* Tells the test and waits for its go. */
static inline void target_meet(struct target_share *sh, uint32_t step)
{
	atomic_store(&sh->at, step);
	while (atomic_load(&sh->go) < step)
		sleep_us(500);
}

/* ---- in the test ---- */

static inline struct target target_fork(target_fn fn)
{
	struct target t;

	t.share = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(NULL);
	t.pid = fork();
	if (t.pid)
		return t;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	target_meet(t.share, 1);
	_exit(fn(t.share));
}

/* Leaves its status to be taken. */
static inline bool target_is_over(const struct target *t)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)t->pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

static inline bool target_reached(const struct target *t, uint32_t step)
{
	return wait_until(30, atomic_load(&t->share->at) >= step || target_is_over(t)) &&
	       atomic_load(&t->share->at) >= step;
}

static inline void target_let(struct target *t, uint32_t step)
{
	atomic_store(&t->share->go, step);
}

static inline int target_attach(struct pager *pg, struct target *t, uint64_t budget_bytes)
{
	int err = target_reached(t, 1) ? upager_attach(pg->client, t->pid, budget_bytes, 0, NULL)
				       : -ETIMEDOUT;

	if (err)
		fprintf(stderr, "# attach: %s\n", upager_last_reply(pg->client)->text);
	return err;
}

/* Starts the function in a new process under a budget. */
static inline struct target target_start(struct pager *pg, target_fn fn, uint64_t budget_bytes)
{
	struct target t = target_fork(fn);

	if (target_attach(pg, &t, budget_bytes)) {
		kill(t.pid, SIGKILL);
		strcpy(t.share->why, "it could not be attached");
	}
	target_let(&t, 1);
	return t;
}

static inline bool target_exited(const struct target *t, int *status)
{
	return waitpid(t->pid, status, WNOHANG) == t->pid;
}

static inline int target_end_within(struct target *t, unsigned int seconds)
{
	int status = 0, result;

	if (wait_until(seconds, target_exited(t, &status))) {
		result = WIFEXITED(status) ? WEXITSTATUS(status) : TARGET_SIGNAL + WTERMSIG(status);
	} else {
		result = TARGET_HANGS;
		kill(t->pid, SIGKILL);
		waitpid(t->pid, &status, 0);
	}
	if (t->share->why[0])
		fprintf(stderr, "# target: %s\n", t->share->why);
	munmap(t->share, PAGE_SIZE);
	t->share = NULL;
	return result;
}

/* How the function ended: its value, or one of TARGET_*. */
static inline int target_end(struct target *t)
{
	return target_end_within(t, 40);
}

static inline int target_kill(struct target *t)
{
	kill(t->pid, SIGKILL);
	return target_end_within(t, 20);
}

static inline int target_run(struct pager *pg, target_fn fn)
{
	struct target t = target_start(pg, fn, TARGET_BUDGET);

	return target_end(&t);
}

/* Of a fixture that has a pager. */
#define PAGER_TEARDOWN(name)                           \
	FIXTURE_TEARDOWN(name)                         \
	{                                              \
		if (_metadata->exit_code != KSFT_PASS) \
			pager_show_log(&self->pager);  \
		pager_fini(&self->pager);              \
	}

/* Each test of a fixture runs with UFFDIO_MOVE and with the stopped eviction. */
#define PAGER_FIXTURE(name) PAGER_FIXTURE_FAILING(name, NULL)

/* With failpoints, as UPAGER_FAILPOINTS takes them. */
#define PAGER_FIXTURE_FAILING(fixture, points)                                         \
	FIXTURE(fixture)                                                               \
	{                                                                              \
		struct pager pager;                                                    \
	};                                                                             \
	FIXTURE_VARIANT(fixture)                                                       \
	{                                                                              \
		const char *disable;                                                   \
	};                                                                             \
	FIXTURE_VARIANT_ADD(fixture, move){ .disable = NULL };                         \
	FIXTURE_VARIANT_ADD(fixture, stopped){ .disable = "move" };                    \
	FIXTURE_SETUP(fixture)                                                         \
	{                                                                              \
		struct pager_options opt = {                                           \
			.disable = variant->disable,                                   \
			.failpoints = points,                                          \
		};                                                                     \
                                                                                       \
		if (variant->disable && guard_leaves_out(_metadata->name))             \
			SKIP(return, "its stopped eviction: unset UPAGER_TEST_QUICK"); \
		ASSERT_EQ(0, pager_start(&self->pager, &opt));                         \
	}                                                                              \
	PAGER_TEARDOWN(fixture)

/* How a child of the target ended: its exit status, or TARGET_SIGNAL and more. */
static inline int status_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : TARGET_SIGNAL + WTERMSIG(status);
}

#endif
