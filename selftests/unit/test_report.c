// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/report.h"

#define HEAD "version 1\npid 4242\ncomm redis-server\ntracked 1\n"

static const char whole[] = HEAD "holes_count 3\n"
				 "holes_bytes 140737102278656\n"
				 "hole 1\n"
				 "hole_start 0x0\n"
				 "hole_end 0x555555554000\n"
				 "hole_bytes 93824992231424\n"
				 "hole_below [none]\n"
				 "hole_above /usr/bin/redis-server\n"
				 "hole 2\n"
				 "hole_start 0x555555600000\n"
				 "hole_role heap,stack\n"
				 "libs_count 2\n"
				 "object 1\n"
				 "object_path /usr/bin/redis-server\n"
				 "object_processes 1\n"
				 "object 2\n"
				 "object_path /usr/lib/libc.so.6\n"
				 "text_bytes 1396736\n"
				 "shared_now_pages 1189\n"
				 "copies 300\n"
				 "budget_bytes 67108864\n"
				 "resident_bytes 18446744073709551615\n";

static int parse(struct report *r, const char *text)
{
	return report_parse(r, text, strlen(text));
}

static void test_groups(void **state)
{
	struct report r;

	(void)state;
	assert_int_equal(parse(&r, whole), 0);
	assert_int_equal(report_number(&r, REPORT_PROCESS, 0, "pid"), 4242);
	assert_string_equal(report_text(&r, REPORT_PROCESS, 0, "comm"), "redis-server");
	assert_int_equal(report_number(&r, REPORT_HOLES, 0, "holes_bytes"), 140737102278656);
	assert_int_equal(r.items[REPORT_HOLES].nr, 2);
	assert_int_equal(report_number(&r, REPORT_HOLES, 1, "hole"), 1);
	assert_string_equal(report_text(&r, REPORT_HOLES, 1, "hole_end"), "0x555555554000");
	assert_string_equal(report_text(&r, REPORT_HOLES, 1, "hole_below"), "[none]");
	assert_string_equal(report_text(&r, REPORT_HOLES, 2, "hole_role"), "heap,stack");
	assert_null(report_find(&r, REPORT_HOLES, 1, "hole_role"));
	assert_null(report_find(&r, REPORT_HOLES, 3, "hole"));
	assert_int_equal(report_number(&r, REPORT_LIBS, 0, "libs_count"), 2);
	assert_int_equal(r.items[REPORT_LIBS].nr, 2);
	assert_string_equal(report_text(&r, REPORT_LIBS, 2, "object_path"), "/usr/lib/libc.so.6");
	assert_null(report_find(&r, REPORT_LIBS, 1, "text_bytes"));
	assert_int_equal(report_number(&r, REPORT_LIBS, 2, "text_bytes"), 1396736);
	assert_int_equal(report_number(&r, REPORT_COW, 0, "copies"), 300);
	assert_int_equal(report_number(&r, REPORT_PAGING, 0, "budget_bytes"), 67108864);
	assert_int_equal(report_number(&r, REPORT_PAGING, 0, "resident_bytes"), UINT64_MAX);
	/* Not what another group has by this name. */
	assert_null(report_find(&r, REPORT_LIBS, 0, "resident_bytes"));
	report_fini(&r);
}

static void test_names(void **state)
{
	static const struct {
		const char *in, *out;
	} names[] = {
		{ "plain", "plain" },
		{ "two words ", "two words " },
		{ "", "" },
		{ "123", "123" },
		{ "a\\012b", "a\nb" },
		{ "\\134", "\\" },
		{ "\\134012", "\\012" },
		{ "\\134\\134\\012", "\\\\\n" },
		{ "\\377", "\377" },
		{ "\\000", "\\000" },
		{ "\\400", "\\400" },
		{ "\\01", "\\01" },
		{ "\\018", "\\018" },
		{ "\\", "\\" },
		{ "n\\303\\244", "n\303\244" },
		{ "copies 7", "copies 7" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct report_line *line;
		struct report r;
		char text[128];

		snprintf(text, sizeof(text),
			 "version 1\npid 1\ncomm %s\nlibs_count 1\nobject 1\n"
			 "object_path %s\n",
			 names[i].in, names[i].in);
		assert_int_equal(parse(&r, text), 0);
		line = report_find(&r, REPORT_PROCESS, 0, "comm");
		assert_non_null(line);
		assert_false(line->is_number);
		assert_string_equal(line->value, names[i].out);
		assert_string_equal(report_text(&r, REPORT_LIBS, 1, "object_path"), names[i].out);
		assert_null(report_find(&r, REPORT_COW, 0, "copies"));
		report_fini(&r);
	}
}

static void test_unknown_keys(void **state)
{
	struct report r;

	(void)state;
	assert_int_equal(
		parse(&r,
		      HEAD "mood good\n"
			   "holes_count 1\nnew_bytes 5\nhole 1\nhole_age_ms 3\nnew_note a\\134b\n"
			   "shared_now_pages 0\nnew_copies 9\n"
			   "reported 0\nnew 0x10\n"),
		0);
	assert_string_equal(report_text(&r, REPORT_PROCESS, 0, "mood"), "good");
	assert_int_equal(report_number(&r, REPORT_HOLES, 0, "new_bytes"), 5);
	assert_int_equal(report_number(&r, REPORT_HOLES, 1, "hole_age_ms"), 3);
	assert_string_equal(report_text(&r, REPORT_HOLES, 1, "new_note"), "a\\b");
	assert_int_equal(report_number(&r, REPORT_COW, 0, "new_copies"), 9);
	assert_string_equal(report_text(&r, REPORT_PAGING, 0, "new"), "0x10");
	assert_int_equal(report_number(&r, REPORT_PAGING, 0, "new"), 0);
	report_fini(&r);
}

/* Numbers that are none are text, never cut to what fits. */
static void test_numbers(void **state)
{
	static const char *const no_numbers[] = {
		"", "-1", "+1", "1x", " 1", "0x1", "18446744073709551616"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(no_numbers) / sizeof(no_numbers[0]); i++) {
		const struct report_line *line;
		struct report r;
		char text[128];

		snprintf(text, sizeof(text), HEAD "copies %s\n", no_numbers[i]);
		assert_int_equal(parse(&r, text), 0);
		line = report_find(&r, REPORT_COW, 0, "copies");
		assert_non_null(line);
		assert_false(line->is_number);
		assert_string_equal(line->value, no_numbers[i]);
		report_fini(&r);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int err;
	} bad[] = {
		{ "", -EBADMSG },
		{ "\n", -EBADMSG },
		{ "version 1\n", -EBADMSG }, /* of no process */
		{ "version\npid 1\n", -EBADMSG },
		{ "version x\npid 1\n", -EBADMSG },
		{ "version 2\npid 1\n", -EPROTONOSUPPORT },
		{ "pid 1\nversion 1\n", -EBADMSG },
		{ HEAD "\n", -EBADMSG },
		{ HEAD " copies 1\n", -EBADMSG },
		{ HEAD "Copies 1\n", -EBADMSG },
		{ HEAD "copies\t1\n", -EBADMSG },
		{ HEAD "copies: 1\n", -EBADMSG },
	};
	struct report r;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(&r, bad[i].text), bad[i].err);
	assert_int_equal(report_parse(&r, HEAD "copies 1\0\n", sizeof(HEAD "copies 1\0\n") - 1),
			 -EBADMSG);
}

/* At whatever byte a report ends, only whole lines are taken for one. */
static void test_cut_off(void **state)
{
	size_t pid_end = strlen("version 1\npid 4242\n");

	(void)state;
	for (size_t bytes = 0; bytes < strlen(whole); bytes++) {
		/* Of its own, so that a checker sees what is read beyond. */
		char *text = malloc(bytes ? bytes : 1);
		bool at_line = bytes && whole[bytes - 1] == '\n';
		struct report r;
		int err;

		assert_non_null(text);
		memcpy(text, whole, bytes);
		err = report_parse(&r, text, bytes);
		assert_int_equal(err, at_line && bytes >= pid_end ? 0 : -EBADMSG);
		if (!err)
			report_fini(&r);
		free(text);
	}
}

static void test_many_items(void **state)
{
	enum {
		NR = 5000
	};
	char *text = malloc(64 + NR * 64);
	struct report r;
	size_t at;

	(void)state;
	assert_non_null(text);
	at = (size_t)snprintf(text, 64, "version 1\npid 1\nholes_count %d\n", NR);
	for (int i = 1; i <= NR; i++)
		at += (size_t)snprintf(text + at, 64, "hole %d\nhole_bytes %d\n", i, 4096 * i);
	assert_int_equal(report_parse(&r, text, at), 0);
	assert_int_equal(r.items[REPORT_HOLES].nr, NR);
	for (uint32_t i = 1; i <= NR; i++)
		assert_int_equal(report_number(&r, REPORT_HOLES, i, "hole_bytes"), 4096 * i);
	report_fini(&r);
	free(text);
}

/* Lines that are added belong to their items, of any number of lines, and shift no other. */
static void test_added(void **state)
{
	static const char *const keys[] = { "one", "two", "three" };
	const uint64_t values[] = { 1, 2, 3, 4, 5, 6 };
	struct report r;

	(void)state;
	for (int known = 0; known < 4; known++) {
		assert_int_equal(parse(&r, whole), 0);
		assert_int_equal(report_add(&r, REPORT_LIBS, keys, 3, values,
					    (const bool[]){ known & 1, known & 2 }),
				 0);
		for (uint32_t item = 1; item <= 2; item++)
			for (uint32_t k = 0; k < 3; k++)
				assert_int_equal(report_number(&r, REPORT_LIBS, item, keys[k]),
						 known & (int)item ? item * 3 - 2 + k : 0);
		assert_string_equal(report_text(&r, REPORT_LIBS, 1, "object_path"),
				    "/usr/bin/redis-server");
		assert_int_equal(report_number(&r, REPORT_LIBS, 2, "text_bytes"), 1396736);
		assert_string_equal(report_text(&r, REPORT_HOLES, 2, "hole_role"), "heap,stack");
		assert_int_equal(report_number(&r, REPORT_COW, 0, "copies"), 300);
		report_fini(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),	     cmocka_unit_test(test_names),
		cmocka_unit_test(test_unknown_keys), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_refused),	     cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_many_items),   cmocka_unit_test(test_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
