// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/printable.h"

static void becomes(const char *from, const char *to)
{
	char text[64];

	strcpy(text, from);
	printable_clean(text);
	assert_string_equal(text, to);
}

static void test_stays(void **state)
{
	(void)state;
	becomes("", "");
	becomes("a]]>b ~", "a]]>b ~");
	becomes("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa2 \xc2\xa0",
		"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa2 \xc2\xa0");
}

static void test_terminal_would_obey(void **state)
{
	(void)state;
	becomes("\x1b[31m\x7f\n", "?[31m??");
	becomes("\xc2\x9b"
		"31m",
		"??31m"); /* CSI in one character */
	becomes("\x9b"
		"31m",
		"?31m");
	becomes("\xe2\x80\xae"
		"a\xe2\x81\xa6",
		"???a???"); /* what follows runs to the left */
}

static void test_is_no_character(void **state)
{
	(void)state;
	becomes("\xc0\x80\xff", "???");
	becomes("\xed\xa0\x80", "???");
	becomes("cut \xe2\x82", "cut ??");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_terminal_would_obey),
		cmocka_unit_test(test_is_no_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
