// SPDX-License-Identifier: GPL-2.0-only
/* What `upager top` shows of its samples, and what keys make of it, without a terminal. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <curses.h>

#include "base/types.h"
#include "cli/top/keys.h"
#include "cli/top/lines.h"
#include "seed.h"

#define ROWS 20

struct fixture {
	struct top_sample s;
	struct top_view v;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->s.row = calloc(ROWS, sizeof(*f->s.row));
	f->s.nr = ROWS;
	/* Faults fall with the number. */
	for (uint32_t i = 0; i < ROWS; i++) {
		f->s.row[i].record.pid = (int)(100 + i);
		f->s.row[i].faults_s = ROWS - i;
		snprintf(f->s.row[i].record.comm, 16, "p%c", 'z' - (char)i);
	}
	top_view_init(&f->v);
	f->v.room = 5;
	top_view_arrange(&f->v, &f->s);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->s.row);
	free(f);
	return 0;
}

static void press(struct fixture *f, int key)
{
	top_key(&f->v, &f->s, key);
}

static void expect_view(const struct fixture *f, int pid, uint32_t first)
{
	assert_int_equal(f->v.selected, pid);
	assert_int_equal(f->v.first, first);
	assert_int_equal(f->s.row[f->v.at].record.pid, pid);
	assert_in_range(f->v.at, f->v.first, f->v.first + f->v.room - 1);
}

static void test_moves(void **state)
{
	struct fixture *f = *state;

	expect_view(f, 100, 0);
	press(f, KEY_UP);
	expect_view(f, 100, 0);
	press(f, KEY_DOWN);
	expect_view(f, 101, 0);
	press(f, KEY_NPAGE);
	expect_view(f, 105, 1);
	press(f, KEY_END);
	expect_view(f, 119, 15);
	press(f, KEY_NPAGE);
	expect_view(f, 119, 15);
	press(f, KEY_PPAGE);
	expect_view(f, 115, 15);
	press(f, KEY_HOME);
	expect_view(f, 100, 0);
}

/* Who was chosen stays so wherever it goes; who was not, the first line is. */
static void test_follows(void **state)
{
	struct fixture *f = *state;

	press(f, 'r');
	expect_view(f, 119, 0);
	press(f, KEY_DOWN);
	expect_view(f, 118, 0);
	press(f, 'r');
	expect_view(f, 118, 14);
	/* It has ended: what is in its place. */
	for (uint32_t i = 0; i < f->s.nr; i++)
		if (f->s.row[i].record.pid == 118)
			f->s.row[i] = f->s.row[--f->s.nr];
	top_view_arrange(&f->v, &f->s);
	expect_view(f, 119, 14);
	f->s.nr = 0;
	top_view_arrange(&f->v, &f->s);
	assert_int_equal(f->v.selected, 0);
	for (int key = 1; key < 128; key++)
		press(f, key);
}

static void test_sort(void **state)
{
	struct fixture *f = *state;

	press(f, 's');
	assert_int_equal(f->v.mode, TOP_SORT);
	for (int i = 0; i < 30; i++)
		press(f, KEY_DOWN);
	press(f, '\r');
	assert_int_equal(f->v.mode, TOP_LIST);
	assert_int_equal(f->v.sort, TOP_COMMAND);
	assert_string_equal(f->s.row[0].record.comm, "pg");
	press(f, '<');
	assert_int_equal(f->v.sort, TOP_READAHEAD);
	press(f, KEY_F(6));
	press(f, KEY_UP);
	press(f, 27);
	assert_int_equal(f->v.sort, TOP_READAHEAD);
	for (int i = 0; i < 30; i++)
		press(f, '<');
	assert_int_equal(f->v.sort, TOP_PID);
	assert_int_equal(f->s.row[0].record.pid, 100);
	for (int i = 0; i < __TOP_COLUMNS; i++)
		assert_int_equal(top_column_named(top_column_title((enum top_column)i)), i);
	assert_int_equal(top_column_named("frobs"), __TOP_COLUMNS);
}

static void type(struct fixture *f, const char *text)
{
	press(f, 'd');
	for (; *text; text++)
		press(f, *text);
	press(f, '\r');
}

static void test_delay(void **state)
{
	static const char *const bad[] = { "0.05", "-1",  "nan", "inf", "1x",
					   "0x10", "1e9", "+1",	 " 1",	"86401" };
	struct fixture *f = *state;
	double before;

	type(f, "2.5");
	assert_true(f->v.delay_s == 2.5);
	assert_string_equal(f->v.note, "");
	type(f, "");
	assert_true(f->v.delay_s == 2.5);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		before = f->v.delay_s;
		type(f, bad[i]);
		assert_true(f->v.delay_s == before);
		assert_non_null(strstr(f->v.note, "is no time to wait"));
	}
	type(f, "00000000000000000000000000000007");
	press(f, 'd');
	press(f, '3');
	press(f, '9');
	press(f, KEY_BACKSPACE);
	press(f, '\n');
	assert_true(f->v.delay_s == 3);
}

/* Whatever is pressed, whatever is shown. */
static void test_random_keys(void **state)
{
	static const int keys[] = { KEY_UP,    KEY_DOWN, KEY_PPAGE, KEY_NPAGE, KEY_HOME, KEY_END,
				    KEY_F(1),  KEY_F(5), KEY_F(6),  KEY_F(10), 'r',	 's',
				    KEY_ENTER, '<',	 '>',	    'd',       27,	 'h',
				    '1',       127,	 -1,	    KEY_RESIZE };
	struct fixture *f = *state;
	uint64_t seed = seed_start(__func__);

	for (int i = 0; i < 20000; i++) {
		f->v.room = 1 + seed_below(&seed, 30);
		f->s.nr = seed_below(&seed, ROWS + 1);
		top_view_arrange(&f->v, &f->s);
		press(f, keys[seed_below(&seed, sizeof(keys) / sizeof(keys[0]))]);
		assert_true(f->s.nr ? f->v.at < f->s.nr : !f->v.at);
		assert_true(f->v.at >= f->v.first && f->v.at < f->v.first + f->v.room);
		assert_in_range(f->v.mode, TOP_LIST, TOP_DELAY);
		assert_in_range(f->v.sort, 0, __TOP_COLUMNS - 1);
	}
}

/* A line is never wider than it may be but for the command, and a wider terminal shows no less. */
static void test_columns_fit(void **state)
{
	struct top_row row = { .record = { .pid = 4194304, .comm = "" } };
	top_columns_t before = 0, shown;
	char line[TOP_LINE_BYTES];

	(void)state;
	row.record.budget_bytes = row.record.resident_bytes = row.record.standby_bytes =
		row.record.swapped_bytes = (1023ULL << 30) + (1023ULL << 20);
	row.faults_s = row.evictions_s = 9999999;
	row.stall_percent = 100;
	row.record.readahead_pages = row.record.readahead_hits = 1;
	row.recent[20] = 1;
	for (size_t width = 1; width < 200; width++) {
		shown = top_columns_fit(width);
		assert_int_equal(shown & before, before);
		before = shown;
		top_columns_row(shown, &row, line);
		assert_true(strlen(line) + 8 <= width ||
			    shown == (1u << TOP_PID | 1u << TOP_COMMAND));
	}
	assert_int_equal(before, TOP_ALL_COLUMNS);
	/* What an 80-column terminal shows. */
	shown = top_columns_fit(80);
	assert_true(shown & 1u << TOP_BUDGET && shown & 1u << TOP_RESIDENT &&
		    shown & 1u << TOP_SWAPPED && shown & 1u << TOP_FAULTS &&
		    shown & 1u << TOP_P50 && shown & 1u << TOP_P99 && shown & 1u << TOP_STALL &&
		    shown & 1u << TOP_READAHEAD);
}

static void test_clip(void **state)
{
	char text[64];

	(void)state;
	if (MB_CUR_MAX == 1)
		skip(); /* no locale whose letters have several bytes */
	for (size_t width = 0; width < 12; width++) {
		snprintf(text, sizeof(text), "na\xc3\xafve \xe2\x82\xac");
		top_lines_clip(text, width);
		assert_true(strlen(text) <= width || width >= 10);
		/* It ends in a whole letter. */
		assert_int_equal(mbstowcs(NULL, text, 0) == (size_t)-1, 0);
	}
}

static void test_detail(void **state)
{
	struct top_row row = { .record = { .pid = 7, .comm = "x" } };
	char line[TOP_LINE_BYTES];
	unsigned int n = 0;

	(void)state;
	while (top_lines_detail(&row, n, 80, line))
		n++;
	assert_int_equal(n, 7);
	/* From the first bucket that is not empty to the last. */
	row.record.latency_ns_log2[10] = row.record.latency_ns_log2[12] = 5;
	snprintf(row.record.text, sizeof(row.record.text), "there is something to say");
	assert_true(top_lines_detail(&row, n, 80, line));
	n = 0;
	while (top_lines_detail(&row, n, 80, line))
		n++;
	assert_int_equal(n, 8 + 3);
	assert_true(top_lines_detail(&row, 6, 80, line));
	assert_string_equal(line, "there is something to say");
	assert_true(top_lines_detail(&row, 10, 80, line));
	assert_non_null(strstr(line, "50.0%"));
	for (size_t width = 38; width < 90; width++) {
		assert_true(top_lines_detail(&row, 10, width, line));
		assert_true(strlen(line) <= width);
		assert_int_equal(line[strlen(line) - 1], '#');
	}
}

/* A narrow terminal has shorter lines, not the beginnings of long ones. */
static void test_summary(void **state)
{
	static const char *const last[] = { "processes", "free", "full" };
	struct fixture *f = *state;
	char line[TOP_LINE_BYTES];

	f->s.now.daemon.slots_total = f->s.now.daemon.slots_free = (1023ULL << 30) / PAGE_SIZE;
	f->s.now.daemon.memory_bytes = 1023 << 20;
	f->s.now.all.some_avg10 = f->s.now.all.full_avg10 = UPAGER_STALL_WHOLE;
	f->s.faults_s = 9999;
	for (size_t width = 40; width < 120; width++)
		for (unsigned int i = 0; i < TOP_SUMMARY_LINES; i++) {
			top_lines_summary(&f->s, i, width, line);
			assert_true(strlen(line) <= width);
			assert_non_null(strstr(line, last[i]));
		}
}

static void test_break(void **state)
{
	(void)state;
	assert_int_equal(top_lines_break("all of it", 9), 9);
	assert_int_equal(top_lines_break("all of it", 8), 6);
	assert_int_equal(top_lines_break("all of it", 6), 6);
	assert_int_equal(top_lines_break("all of it", 5), 3);
	assert_int_equal(top_lines_break("all of it", 2), 2);
	assert_int_equal(top_lines_break("", 2), 0);
	/* Whole letters, but something. */
	assert_int_equal(top_lines_break("a\xe2\x82\xac", 3), 1);
	assert_int_equal(top_lines_break("\xe2\x82\xac", 1), 1);
}

/* Where help has pages each key turns one; q leaves it. */
static void test_help(void **state)
{
	struct fixture *f = *state;

	press(f, 'h');
	f->v.help_next = 5;
	press(f, ' ');
	assert_int_equal(f->v.mode, TOP_HELP);
	assert_int_equal(f->v.help_from, 5);
	f->v.help_next = 0;
	press(f, ' ');
	assert_int_equal(f->v.mode, TOP_LIST);
	press(f, 'h');
	assert_int_equal(f->v.help_from, 0);
	f->v.help_next = 5;
	press(f, 'q');
	assert_int_equal(f->v.mode, TOP_LIST);
	assert_false(f->v.quit);
}

#define TOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TOP_TEST(test_moves),	     TOP_TEST(test_follows),
		TOP_TEST(test_sort),	     TOP_TEST(test_delay),
		TOP_TEST(test_random_keys),  cmocka_unit_test(test_columns_fit),
		cmocka_unit_test(test_clip), cmocka_unit_test(test_detail),
		TOP_TEST(test_summary),	     cmocka_unit_test(test_break),
		TOP_TEST(test_help),
	};

	setlocale(LC_CTYPE, "C.UTF-8"); /* a guest has none */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
