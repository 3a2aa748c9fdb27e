// SPDX-License-Identifier: GPL-2.0-only
/* What a build with RELEASE=1 has of test hooks: nothing but a word for who sets them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define UPAGER_RELEASE
#include "base/failpoint.h"
#include "base/hook.c"

static void test_no_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(setenv(names[i], "move", 1), 0);
		assert_null(hook_env(names[i]));
	}
}

static void test_no_failpoint(void **state)
{
	(void)state;
	failpoint_armed = UINT64_MAX;
	for (int fp = 0; fp < __FP_MAX; fp++)
		assert_int_equal(failpoint((enum failpoint)fp), 0);
	failpoint_armed = 0;
}

static void test_is_said(void **state)
{
	int saved = dup(STDERR_FILENO), fd = memfd_create("err", MFD_CLOEXEC);
	char text[1024] = "";

	(void)state;
	assert_int_equal(setenv("UPAGER_DISABLE", "move", 1), 0);
	dup2(fd, STDERR_FILENO);
	hook_say_ignored();
	dup2(saved, STDERR_FILENO);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_non_null(strstr(text, "UPAGER_DISABLE is set, ignoring: this build"));
	close(fd);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_value),
		cmocka_unit_test(test_no_failpoint),
		cmocka_unit_test(test_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
