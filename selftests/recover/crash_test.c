// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * The daemon dies at every place that has a name, while a program does every
 * ordered three of six things to its memory; the next one takes over, and all bytes
 * of parent and children are looked at.  All of it takes about an hour:
 *
 *   UPAGER_CRASH_ALL=1 build/selftests/recover/crash_test
 *
 * Else as many as UPAGER_TEST_SECONDS (10) have room for, chosen by UPAGER_TEST_SEED.
 * UPAGER_CRASH_CASE=N is one of them, as it was printed.
 */
#include "selftests/recover/crash.h"

#include <kselftest_harness.h>
#include <time.h>

enum where {
	WHILE_SERVING,
	WHILE_TAKING_OVER,
	WHILE_ATTACHING,
	WHILE_DETACHING,
};

static const struct {
	const char *failpoint;
	enum where where;
} places[] = {
	{ "fault_read", WHILE_SERVING },
	{ "fault_submit", WHILE_SERVING },
	{ "fault_read_done", WHILE_SERVING },
	{ "fault_filled", WHILE_SERVING },
	{ "evict_recorded", WHILE_SERVING },
	{ "evict_posted", WHILE_SERVING },
	{ "evict_settled", WHILE_SERVING },
	{ "evict_submit", WHILE_SERVING },
	{ "evict_written", WHILE_SERVING },
	{ "event_advanced", WHILE_SERVING },
	{ "event_applied", WHILE_SERVING },
	{ "page_shifted", WHILE_SERVING },
	{ "fork_read", WHILE_SERVING },
	{ "fork_shared", WHILE_SERVING },
	{ "fork_applied", WHILE_SERVING },
	{ "child_asked", WHILE_SERVING },
	{ "child_recorded", WHILE_SERVING },
	{ "store_read", WHILE_SERVING },
	{ "store_write", WHILE_SERVING },
	{ "record_written", WHILE_SERVING },
	{ "restore_counted", WHILE_TAKING_OVER },
	{ "restore_settled", WHILE_TAKING_OVER },
	{ "keeper_named", WHILE_TAKING_OVER },
	{ "attach_allowed", WHILE_ATTACHING },
	{ "attach_injected", WHILE_ATTACHING },
	{ "attach_seen", WHILE_ATTACHING },
	{ "attach_registered", WHILE_ATTACHING },
	{ "detach_filled", WHILE_DETACHING },
	{ "detach_unregistered", WHILE_DETACHING },
	/* Of what was read while no daemon lived. */
	{ "fork_shared", WHILE_TAKING_OVER },
	{ "event_applied", WHILE_TAKING_OVER },
};

#define TRIPLES	 (CRASH_KINDS * CRASH_KINDS * CRASH_KINDS)
#define NR_CASES ((uint32_t)ARRAY_SIZE(places) * TRIPLES)
/* Prime to NR_CASES: all come once, and not side by side. */
#define STRIDE	 2551u
#define HANG_S	 30

FIXTURE(crash)
{
	struct pager pager;
	struct target t;
	const char *disable;
	uint32_t nr_done;
	uint32_t nr_died; /* where it was to */
};

FIXTURE_VARIANT(crash)
{
	const char *disable;
};

FIXTURE_VARIANT_ADD(crash, move){ .disable = NULL };
FIXTURE_VARIANT_ADD(crash, stopped){ .disable = "move" };

FIXTURE_SETUP(crash)
{
	struct pager_options opt = { .disable = variant->disable };

	crash_init();
	self->disable = variant->disable;
	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	self->t = target_start(&self->pager, crash_main, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&self->t, 2));
}

PAGER_TEARDOWN(crash)

static unsigned long number_of(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

/* Starts a daemon. True: it serves; false: it has ended, where it was to. */
static bool start(FIXTURE_DATA(crash) * self, const char *failpoint)
{
	struct pager_options opt = { .disable = self->disable };
	struct pager *pager = &self->pager;
	char text[64];
	int status;

	upager_close(pager->client);
	pager->client = NULL;
	pager_kill(pager);
	if (failpoint)
		snprintf(text, sizeof(text), "%s=kill@1", failpoint);
	opt.failpoints = failpoint ? text : NULL;
	if (truncate(pager->log, 0) && errno != ENOENT)
		return false;
	pager->pid = pager_spawn(pager, &opt);
	/* Not by asking: who asks a daemon that is dead waits for another. */
	wait_until(HANG_S, pager_logged(pager, "serving ") || pager_ended(pager, &status));
	return pager->pid &&
	       wait_until(HANG_S, pager_answers(pager) || pager_ended(pager, &status)) &&
	       pager->pid;
}

static bool came_to(FIXTURE_DATA(crash) * self, uint32_t step)
{
	return wait_until(HANG_S,
			  atomic_load(&self->t.share->at) >= step || target_is_over(&self->t)) &&
	       atomic_load(&self->t.share->at) >= step;
}

/* The operations begin, and the daemon dies or they are over; how many ms it has then. */
static void let(FIXTURE_DATA(crash) * self, uint32_t step, int grace_ms)
{
	int status;

	target_let(&self->t, step);
	wait_until(HANG_S, atomic_load(&self->t.share->at) > step || !self->pager.pid ||
				   pager_ended(&self->pager, &status));
	for (int ms = 0; ms < grace_ms && self->pager.pid; ms++) {
		pager_ended(&self->pager, &status);
		sleep_us(1000);
	}
}

/* True: the daemon died where it was to. */
static bool crash_once(FIXTURE_DATA(crash) * self, uint32_t n, uint32_t step)
{
	const char *failpoint = places[n / TRIPLES].failpoint;
	struct pager *pager = &self->pager;
	bool died;

	switch (places[n / TRIPLES].where) {
	case WHILE_TAKING_OVER:
		pager_kill(pager);
		target_let(&self->t, step);
		sleep_us(5000);
		return !start(self, failpoint);
	case WHILE_ATTACHING:
		upager_detach(pager->client, self->t.pid, NULL);
		if (start(self, failpoint))
			upager_attach(pager->client, self->t.pid, TARGET_BUDGET, 0, NULL);
		break;
	case WHILE_DETACHING:
		if (start(self, failpoint))
			upager_detach(pager->client, self->t.pid, NULL);
		break;
	default:
		start(self, failpoint);
		break;
	}
	let(self, step, 20);
	died = !pager->pid;
	return died;
}

/* A third of it is out, or the case would meet none of what it is about. */
static void wait_for_budget(FIXTURE_DATA(crash) * self)
{
	struct upager_record rec;

	wait_until(2, (rec = pager_status(&self->pager, self->t.pid),
		       rec.swapped_bytes + rec.standby_bytes > MIB));
}

static bool run_case(FIXTURE_DATA(crash) * self, uint32_t n)
{
	uint32_t triple = n % TRIPLES, step = 2 + 2 * self->nr_done;

	for (int i = 0; i < CRASH_OPS; i++, triple /= CRASH_KINDS)
		atomic_store(&crash->op[i], triple % CRASH_KINDS);
	wait_for_budget(self);
	self->nr_died += crash_once(self, n, step);
	self->nr_done++;
	if (!start(self, NULL) || !came_to(self, step + 1))
		return false;
	target_let(&self->t, step + 1);
	if (!came_to(self, step + 2))
		return false;
	/* It is paged again, if its death was that of an attach or a detach. */
	upager_attach(self->pager.client, self->t.pid, TARGET_BUDGET, 0, NULL);
	return true;
}

static void say(FIXTURE_DATA(crash) * self, uint32_t n)
{
	uint32_t triple = n % TRIPLES;

	fprintf(stderr, "# case %u (UPAGER_CRASH_CASE), %s with %s, %s, %s: %s %s\n", n,
		places[n / TRIPLES].failpoint, crash_names[triple % CRASH_KINDS],
		crash_names[triple / CRASH_KINDS % CRASH_KINDS],
		crash_names[triple / CRASH_KINDS / CRASH_KINDS],
		crash->wrong[0] ? crash->wrong : "it came no further", self->t.share->why);
}

TEST_F_TIMEOUT(crash, everywhere, 7200)
{
	bool all = number_of("UPAGER_CRASH_ALL", 0);
	uint32_t seed = (uint32_t)number_of("UPAGER_TEST_SEED", (unsigned long)time(NULL));
	uint32_t one = (uint32_t)number_of("UPAGER_CRASH_CASE", NR_CASES);
	time_t end = time(NULL) + (time_t)number_of("UPAGER_TEST_SECONDS", 10);

	for (uint32_t i = 0; i < NR_CASES && (all || time(NULL) < end); i++) {
		uint32_t n =
			one < NR_CASES ? one : (uint32_t)((seed + (uint64_t)i * STRIDE) % NR_CASES);
		bool ok = run_case(self, n);

		EXPECT_TRUE(ok) say(self, n);
		if (!ok || one < NR_CASES)
			break;
	}
	fprintf(stderr, "# %u of %u cases, seed %u: in %u the daemon died where it was to\n",
		self->nr_done, NR_CASES, seed, self->nr_died);
	EXPECT_LE(self->nr_done / 4, self->nr_died);
	atomic_store(&crash->end, true);
	target_let(&self->t, UINT32_MAX);
	EXPECT_EQ(0, target_end(&self->t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
