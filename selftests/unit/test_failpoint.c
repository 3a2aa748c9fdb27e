// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/failpoint.h"

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void test_unarmed(void **state)
{
	(void)state;
	assert_int_equal(failpoint_init(NULL), 0);
	assert_int_equal(failpoint_armed, 0);
	assert_int_equal(failpoint_init(""), 0);
	for (int fp = 0; fp < __FP_MAX; fp++)
		assert_int_equal(failpoint((enum failpoint)fp), 0);
}

static void test_every_name(void **state)
{
	static const char *const names[] = {
		"fault_read",	   "fault_submit",	"fault_read_done", "fault_filled",
		"evict_protected", "evict_recorded",	"evict_posted",	   "evict_settled",
		"evict_submit",	   "evict_written",	"event_advanced",  "event_applied",
		"page_shifted",	   "fork_read",		"fork_shared",	   "fork_applied",
		"child_asked",	   "child_recorded",	"attach_allowed",  "attach_injected",
		"attach_seen",	   "attach_registered", "detach_filled",   "detach_unregistered",
		"pool_grow",	   "pool_grown",	"pool_idle",	   "pool_shed",
		"tables_grow",	   "record_written",	"restore_counted", "restore_settled",
		"keeper_named",	   "area_add",		"drain_write",	   "drain_written",
		"drain_moved",	   "store_read",	"store_ahead",	   "store_write",
	};
	char spec[64];

	(void)state;
	assert_int_equal(sizeof(names) / sizeof(names[0]), __FP_MAX);
	for (int fp = 0; fp < __FP_MAX; fp++) {
		snprintf(spec, sizeof(spec), "%s=err:5", names[fp]);
		assert_int_equal(failpoint_init(spec), 0);
		assert_int_equal(failpoint_armed, 1ULL << fp);
		for (int other = 0; other < __FP_MAX; other++)
			assert_int_equal(failpoint((enum failpoint)other), other == fp ? -5 : 0);
	}
}

static void test_nth(void **state)
{
	(void)state;
	assert_int_equal(failpoint_init("store_read=err:5@3,store_write=err:28"), 0);
	for (int pass = 1; pass <= 5; pass++) {
		assert_int_equal(failpoint(FP_STORE_READ), pass == 3 ? -EIO : 0);
		assert_int_equal(failpoint(FP_STORE_WRITE), -ENOSPC);
	}
	/* A new start counts anew. */
	assert_int_equal(failpoint_init("store_read=err:5@1"), 0);
	assert_int_equal(failpoint(FP_STORE_READ), -EIO);
	assert_int_equal(failpoint(FP_STORE_WRITE), 0);
}

static void test_delay(void **state)
{
	uint64_t start_us;

	(void)state;
	assert_int_equal(failpoint_init("fault_filled=delay:20000@2"), 0);
	start_us = now_us();
	assert_int_equal(failpoint(FP_FAULT_FILLED), 0);
	assert_true(now_us() - start_us < 20000);
	start_us = now_us();
	assert_int_equal(failpoint(FP_FAULT_FILLED), 0);
	assert_true(now_us() - start_us >= 20000);
}

static void test_kill(void **state)
{
	int status, passes[2];
	char text[4];
	pid_t pid;

	(void)state;
	assert_int_equal(failpoint_init("evict_written=kill@2"), 0);
	assert_int_equal(pipe(passes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		for (int i = 0; i < 3; i++) {
			failpoint(FP_EVICT_WRITTEN);
			if (write(passes[1], "x", 1) != 1)
				break;
		}
		_exit(0);
	}
	close(passes[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(read(passes[0], text, sizeof(text)), 1);
	close(passes[0]);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_refused(void **state)
{
	static const char *const specs[] = {
		"fault_read",
		"fault_read=",
		"=kill",
		"fault_reader=kill",
		"fault_rea=kill",
		"FAULT_READ=kill",
		"fault_read=kil",
		"fault_read=killed",
		"fault_read=kill@",
		"fault_read=kill@0",
		"fault_read=kill@-1",
		"fault_read=kill@1x",
		"fault_read=kill@1-",
		"fault_read=kill@3-2",
		"fault_read=kill@99999999999999999999",
		"fault_read=err",
		"fault_read=err:",
		"fault_read=err:0",
		"fault_read=err:EIO",
		"fault_read=err:4096",
		"fault_read=delay:",
		"fault_read=delay:1ms",
		"fault_read=kill,",
		",fault_read=kill",
		"fault_read=kill,,store_read=kill",
		"fault_read=kill fork_read=kill",
		"fault_read=delay:1@1,fault_read=kill@2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		assert_int_equal(failpoint_init("store_read=err:5"), 0);
		assert_int_equal(failpoint_init(specs[i]), -EINVAL);
		/* Nothing is armed by half a specification. */
		assert_int_equal(failpoint_armed, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unarmed), cmocka_unit_test(test_every_name),
		cmocka_unit_test(test_nth),	cmocka_unit_test(test_delay),
		cmocka_unit_test(test_kill),	cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
