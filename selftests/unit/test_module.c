// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/module.h"
#include "kernel/module_events.h"
#include "uapi/upager.h"

static void never(void *context, const struct module_event *event)
{
	(void)context;
	(void)event;
	fail();
}

/* A closed one answers everything, as one that was unloaded does. */
static void test_closed(void **state)
{
	struct upager_record rec = { 0 };
	struct module_events events = { 0 };
	struct module m = { 0 };
	uint64_t bits[1] = { 0 };

	(void)state;
	assert_int_equal(module_refresh(&m), -ENOENT);
	assert_int_equal(module_track(&m, getpid()), -ENOENT);
	assert_int_equal(module_untrack(&m, getpid()), -ENOENT);
	assert_int_equal(module_report(&m, getpid(), &rec), -ENOENT);
	assert_int_equal(module_pinned(&m, getpid(), (struct run){ { 1 }, 1 }, bits), -ENOENT);
	assert_false(module_has(&m, UPAGER_FEATURE_EVENTS));
	assert_int_equal(module_events_fd(&events), -1);
	module_events_read(&events, never, NULL);
	module_events_close(&events);
	module_close(&m);
	module_close(&m);
}

static void test_not_loaded(void **state)
{
	struct module_events events;
	struct module m;

	(void)state;
	if (!access("/proc/upager", F_OK))
		skip();
	assert_int_equal(module_open(&m), -ENOENT);
	assert_null(m.sock);
	assert_int_not_equal(module_events_open(&events), 0);
	assert_null(events.sock);
}

static void open_loaded(struct module *m)
{
	if (access("/proc/upager", F_OK) || geteuid())
		skip();
	assert_int_equal(module_open(m), 0);
}

static void test_features(void **state)
{
	struct module m;

	(void)state;
	open_loaded(&m);
	assert_int_equal(m.version, UPAGER_FAMILY_VERSION);
	assert_int_equal(m.tracked_max, UPAGER_TRACKED_MAX);
	assert_true(module_has(&m, UPAGER_FEATURE_PINNED));
	module_close(&m);
}

static void test_track(void **state)
{
	struct upager_record rec = { .budget_bytes = 1 << 20, .faults = 5 };
	struct module m;
	uint32_t before;

	(void)state;
	open_loaded(&m);
	before = m.nr_tracked;
	assert_int_equal(module_report(&m, getpid(), &rec), -ESRCH);
	assert_int_equal(module_untrack(&m, getpid()), -ESRCH);
	assert_int_equal(module_track(&m, getpid()), 0);
	assert_int_equal(module_track(&m, getpid()), 0);
	assert_int_equal(module_report(&m, getpid(), &rec), 0);
	assert_int_equal(module_refresh(&m), 0);
	assert_int_equal(m.nr_tracked, before + 1);
	assert_int_equal(module_untrack(&m, getpid()), 0);
	assert_int_equal(module_track(&m, 0), -ESRCH);
	module_close(&m);
}

static void note(void *context, const struct module_event *event)
{
	struct module_event *last = context;

	if (event->cmd == UPAGER_CMD_FORK && event->parent_pid == getpid())
		*last = *event;
}

static void test_fork_is_announced(void **state)
{
	struct module_event last = { 0 };
	struct module_events events;
	struct module m;
	pid_t child;

	(void)state;
	open_loaded(&m);
	assert_int_equal(module_events_open(&events), 0);
	assert_int_equal(module_track(&m, getpid()), 0);
	child = fork();
	if (!child)
		_exit(0);
	/* Announced before the child ran, hence before it can be waited for. */
	assert_int_equal(waitpid(child, NULL, 0), child);
	module_events_read(&events, note, &last);
	assert_int_equal(last.pid, child);
	assert_int_equal(module_untrack(&m, getpid()), 0);
	module_events_close(&events);
	module_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_not_loaded),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_track),
		cmocka_unit_test(test_fork_is_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
