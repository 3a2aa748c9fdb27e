// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 600
 *
 * The daemon is killed at each of its failpoints while a program writes, reads,
 * forks, moves and drops; another one takes over, and every byte is right.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR	     1536ULL /* pages: one and a half times the budget */
#define NQ	     256ULL
/* Rounds that the program makes after a take-over. */
#define ROUNDS_AFTER 2

enum operation {
	OP_TOUCH,
	OP_WRITE,
	OP_FORK,
	OP_UNMAP,
	OP_REMAP,
	OP_DONTNEED,
	NR_OPERATIONS,
};

static const char *const operation_name[] = {
	"touch", "write", "fork", "munmap", "mremap", "dontneed",
};

enum value {
	ROUND,
	OPERATION,
};

/* How often each is passed in the first rounds, about. */
static const struct {
	const char *name;
	unsigned int passes;
} failpoints[] = {
	{ "fault_read", 400 },	    { "fault_submit", 200 },  { "fault_read_done", 200 },
	{ "fault_filled", 200 },    { "evict_recorded", 60 }, { "evict_posted", 60 },
	{ "evict_settled", 60 },    { "evict_submit", 60 },   { "evict_written", 60 },
	{ "event_advanced", 4 },    { "event_applied", 20 },  { "page_shifted", 400 },
	{ "fork_read", 3 },	    { "fork_shared", 3 },     { "fork_applied", 3 },
	{ "record_written", 10 },   { "child_asked", 3 },     { "attach_seen", 3 },
	{ "attach_registered", 3 }, { "pool_grow", 4 },	      { "pool_grown", 4 },
};
#define NR_FAILPOINTS ARRAY_SIZE(failpoints)

static void begin(struct target_share *sh, enum operation op)
{
	atomic_store(&sh->value[OPERATION], op);
}

static uint8_t *filled(struct target_share *sh, uint8_t *all, uint64_t i)
{
	uint8_t *q = memory_map(NQ);

	memory_fill(q, 0, NQ, i);
	begin(sh, OP_TOUCH); /* pushes q out */
	if (!memory_is(all, 0, NR, i))
		_exit(97);
	return q;
}

static bool child_is_right(const uint8_t *all, uint8_t *q, uint64_t i)
{
	int status;
	pid_t child = fork();

	if (!child) {
		if (!memory_is(q, 0, NQ, i) || !memory_is(all, NR / 2, NR / 2 + NQ, i))
			_exit(3);
		memory_fill(q, 0, NQ / 2, i + 1);
		if (!memory_is(q, 0, NQ / 2, i + 1) || !memory_is(q, NQ / 2, NQ, i))
			_exit(4);
		_exit(0);
	}
	return waitpid(child, &status, 0) == child && status == 0;
}

static int work(struct target_share *sh)
{
	uint8_t *all = memory_map(NR), *to = memory_map(NQ);

	for (uint64_t i = 1; atomic_load(&sh->go) < 2; i++) {
		uint8_t *q;

		begin(sh, OP_WRITE);
		memory_fill(all, 0, NR, i);
		q = filled(sh, all, i);
		begin(sh, OP_FORK);
		target_check(sh, child_is_right(all, q, i));
		target_check(sh, memory_is(q, 0, NQ, i));
		begin(sh, OP_DONTNEED);
		target_check(sh,
			     !madvise(q + NQ / 4 * PAGE_SIZE, NQ / 4 * PAGE_SIZE, MADV_DONTNEED));
		target_check(sh, memory_is(q, 0, NQ / 4, i));
		target_check(sh, memory_is_zero(q, NQ / 4, NQ / 2));
		begin(sh, OP_UNMAP);
		target_check(sh, !munmap(q + NQ / 2 * PAGE_SIZE, NQ / 4 * PAGE_SIZE));
		target_check(sh, memory_is(q, 0, NQ / 4, i));
		target_check(sh, memory_is(q, NQ / 4 * 3, NQ, i));
		target_check(sh, !munmap(q, NQ * PAGE_SIZE));
		q = filled(sh, all, i);
		begin(sh, OP_REMAP);
		target_check(sh, mremap(q, NQ * PAGE_SIZE, NQ * PAGE_SIZE,
					MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
		target_check(sh, memory_is(to, 0, NQ, i));
		memory_fill(to, NQ / 2, NQ, i + 5);
		begin(sh, OP_TOUCH);
		target_check(sh, memory_is(all, 0, NR, i));
		target_check(sh, memory_is(to, 0, NQ / 2, i) && memory_is(to, NQ / 2, NQ, i + 5));
		atomic_store(&sh->value[ROUND], i);
	}
	return 0;
}

FIXTURE(kill){};

FIXTURE_VARIANT(kill)
{
	const char *disable;
};

FIXTURE_VARIANT_ADD(kill, move){ .disable = NULL };
FIXTURE_VARIANT_ADD(kill, stopped){ .disable = "move" };

FIXTURE_SETUP(kill)
{
}

FIXTURE_TEARDOWN(kill)
{
}

struct killed {
	struct pager pager;
	struct target target;
	enum operation during;
};

static bool has_gone_on(const struct target *t, uint64_t from)
{
	return wait_until(40, atomic_load(&t->share->value[ROUND]) >= from || target_is_over(t)) &&
	       !target_is_over(t);
}

/* True when it died there, or it was not to be reached. */
static bool die_at(struct killed *k, const char *disable, const char *failpoint, unsigned int nth)
{
	char spec[64];
	struct pager_options opt = { .disable = disable, .failpoints = spec };
	int status;

	snprintf(spec, sizeof(spec), "%s=kill@%u", failpoint, nth);
	if (pager_start(&k->pager, &opt))
		return false;
	k->target = target_start(&k->pager, work, TARGET_BUDGET);
	if (!wait_until(60, pager_ended(&k->pager, &status) ||
				    atomic_load(&k->target.share->value[ROUND]) > 5))
		return false;
	k->during = (enum operation)atomic_load(&k->target.share->value[OPERATION]);
	if (k->pager.pid) /* not reached so often: killed anywhere */
		pager_kill(&k->pager);
	return true;
}

static bool live_on(struct killed *k, const char *disable)
{
	struct pager_options opt = { .disable = disable };
	struct target *t = &k->target;
	uint64_t round = atomic_load(&t->share->value[ROUND]);
	bool ok = !pager_restart(&k->pager, &opt);

	if (ok && !has_gone_on(t, round + ROUNDS_AFTER)) {
		target_fail(t->share, "it does not go on: round %llu, %s",
			    (unsigned long long)atomic_load(&t->share->value[ROUND]),
			    operation_name[atomic_load(&t->share->value[OPERATION])]);
		ok = false;
	}
	/* Also where its agent died with the daemon. */
	if (ok && !wait_until(40, pager_status(&k->pager, t->pid).evictions > NR / 2)) {
		target_fail(t->share, "it is not evicted any more");
		ok = false;
	}
	if (ok && upager_detach(k->pager.client, t->pid, NULL)) {
		target_fail(t->share, "detach: %s", upager_last_reply(k->pager.client)->text);
		ok = false;
	}
	target_let(t, 2);
	if (target_end(t))
		ok = false;
	if (!ok)
		pager_show_log(&k->pager);
	pager_fini(&k->pager);
	return ok;
}

TEST_F_TIMEOUT(kill, at_each_failpoint, 600)
{
	bool seen[NR_FAILPOINTS][NR_OPERATIONS] = { 0 };
	uint32_t nr_seen = 0;
	const char *only = getenv("RECOVER_ONLY");

	srand((unsigned int)now_ns());
	for (uint32_t n = 0; n < NR_FAILPOINTS; n++) {
		/* The first records are those of an attach, which fails then. */
		unsigned int nth = (strcmp(failpoints[n].name, "record_written") ? 1 : 4) +
				   (unsigned int)rand() % failpoints[n].passes;
		struct killed k = { 0 };

		if (getenv("RECOVER_NTH"))
			nth = (unsigned int)atoi(getenv("RECOVER_NTH"));
		if (only ? strcmp(only, failpoints[n].name)
			 : (uint64_t)rand() % 2 >= guard_times(2, 1))
			continue; /* where time is short every other one, by chance */
		ASSERT_TRUE(die_at(&k, variant->disable, failpoints[n].name, nth))
		TH_LOG("%s@%u", failpoints[n].name, nth);
		nr_seen += !seen[n][k.during];
		seen[n][k.during] = true;
		TH_LOG("%s@%u, during %s", failpoints[n].name, nth, operation_name[k.during]);
		EXPECT_TRUE(live_on(&k, variant->disable))
		TH_LOG("%s@%u, during %s", failpoints[n].name, nth, operation_name[k.during]);
	}
	TH_LOG("coverage: %u of %zu pairs of failpoint and operation", nr_seen,
	       NR_FAILPOINTS * NR_OPERATIONS);
}

TEST_HARNESS_MAIN
