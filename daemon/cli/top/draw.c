// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top/draw.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

#include "base/types.h"
#include "cli/top/lines.h"

/* Above the rows: the summary, a line for what is to be said, the titles. */
#define HEAD_LINES (TOP_SUMMARY_LINES + 2)

static void put(int y, chtype attr, char *text)
{
	if (y < 0 || y >= LINES)
		return;
	top_lines_clip(text, (size_t)COLS);
	attrset((int)attr);
	move(y, 0);
	clrtoeol();
	addstr(text);
	/* A bar goes on to the edge. */
	if (attr & A_REVERSE)
		for (int x = getcurx(stdscr); getcury(stdscr) == y && x < COLS; x++)
			addch(' ');
	attrset(0);
}

static void put_text(int y, chtype attr, const char *text)
{
	char line[TOP_LINE_BYTES];

	snprintf(line, sizeof(line), "%s", text);
	put(y, attr, line);
}

static void draw_note(const struct top_view *v, const struct top_sample *s)
{
	char line[TOP_LINE_BYTES] = "";

	if (v->mode == TOP_DELAY)
		snprintf(line, sizeof(line), "Seconds between two looks, now %.4g: %s_", v->delay_s,
			 v->typed);
	else if (v->note[0])
		snprintf(line, sizeof(line), "%s", v->note);
	else if (s->trouble[0])
		snprintf(line, sizeof(line), "%s", s->trouble);
	else if (!s->nr)
		snprintf(line, sizeof(line),
			 "no process is paged; upager run or upager attach starts it");
	put(TOP_SUMMARY_LINES, A_BOLD, line);
}

/* Where the detail begins; the list has a quarter of what there is at most, and a row at least. */
static int detail_line(const struct top_sample *s)
{
	int room = LINES - HEAD_LINES - 1;

	return HEAD_LINES + (int)max_t(int64_t, min_t(int64_t, s->nr, room / 4), 1);
}

static void draw_detail(const struct top_view *v, const struct top_sample *s)
{
	char line[TOP_LINE_BYTES];
	int y = detail_line(s);

	if (!s->nr)
		return;
	for (unsigned int i = 0; y < LINES - 1 && top_lines_detail(&s->row[v->at], i, line); i++)
		put(y++, i ? A_NORMAL : A_BOLD, line);
}

/* The title that it is sorted by stands out. */
static void draw_titles(const struct top_view *v, top_columns_t shown)
{
	const char *title = top_column_title(v->sort);
	char line[TOP_LINE_BYTES];
	const char *at;

	top_columns_head(shown, line);
	put(HEAD_LINES - 1, A_REVERSE, line);
	at = shown & 1u << v->sort ? strstr(line, title) : NULL;
	/* "S" is in other titles, too. */
	if (at && v->sort == TOP_STATE)
		at = strstr(line, " S ") + 1;
	if (at)
		mvchgat(HEAD_LINES - 1, (int)(at - line), (int)strlen(title),
			A_REVERSE | A_BOLD | A_UNDERLINE, 0, NULL);
}

static void draw_list(struct top_view *v, struct top_sample *s)
{
	top_columns_t shown = top_columns_fit((size_t)COLS);
	int end = v->detail && s->nr ? detail_line(s) : LINES - 1;
	char line[TOP_LINE_BYTES];

	draw_titles(v, shown);
	v->room = (uint32_t)max_t(int, end - HEAD_LINES, 1);
	top_view_arrange(v, s);
	for (uint32_t i = 0; i < v->room && v->first + i < s->nr; i++) {
		top_columns_row(shown, &s->row[v->first + i], line);
		put(HEAD_LINES + (int)i, v->first + i == v->at ? A_REVERSE : A_NORMAL, line);
	}
	if (v->detail)
		draw_detail(v, s);
}

static void draw_help(void)
{
	const char *text;

	for (unsigned int i = 0; (text = top_lines_help(i)); i++)
		put_text(HEAD_LINES - 1 + (int)i, A_NORMAL, text);
}

static void draw_sort(const struct top_view *v)
{
	/* On a screen too short for all, those about the choice. */
	int room = LINES - HEAD_LINES - 1, from = 0;
	char line[TOP_LINE_BYTES];

	if (room < __TOP_COLUMNS)
		from = max_t(int, (int)v->choice - room + 1, 0);
	put_text(HEAD_LINES - 1, A_REVERSE, "Sort by: arrows, Enter; Esc leaves it as it is");
	for (int i = from; i < __TOP_COLUMNS && i - from < room; i++) {
		snprintf(line, sizeof(line), "%-8s %s", top_column_title((enum top_column)i),
			 top_column_meaning((enum top_column)i));
		put(HEAD_LINES + i - from, i == (int)v->choice ? A_REVERSE : A_NORMAL, line);
	}
}

void top_draw(struct top_view *v, struct top_sample *s)
{
	char line[TOP_LINE_BYTES];

	erase();
	for (unsigned int i = 0; i < TOP_SUMMARY_LINES; i++) {
		top_lines_summary(s, i, line);
		put((int)i, A_NORMAL, line);
	}
	draw_note(v, s);
	if (v->mode == TOP_HELP)
		draw_help();
	else if (v->mode == TOP_SORT)
		draw_sort(v);
	else
		draw_list(v, s);
	put_text(LINES - 1, A_REVERSE,
		 v->mode == TOP_HELP ? "any key: back"
				     : "h Help  s Sort  r Reverse  Enter Details  d Delay  q Quit");
	refresh();
}
