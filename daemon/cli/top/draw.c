// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top/draw.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

#include "base/types.h"
#include "cli/top/lines.h"

/* Above the rows: the summary, a line for what is to be said, the titles. */
#define HEAD_LINES  (TOP_SUMMARY_LINES + 2)
/* Of a terminal that they are not wrapped on, and where what they say about a key begins. */
#define HELP_LINES  14
#define HELP_INDENT 15

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

/* On as many lines as it takes, from y on, of which those before end are drawn; the next one. */
static int put_wrapped(int y, int end, chtype attr, const char *text, int indent)
{
	char line[TOP_LINE_BYTES];
	int lead = 0;

	if (COLS < 2 * indent)
		indent = 0;
	do {
		size_t length = top_lines_break(text, (size_t)(COLS - lead));

		snprintf(line, sizeof(line), "%*s%.*s", lead, "", (int)length, text);
		if (y < end)
			put(y, attr, line);
		y++;
		text += length;
		text += strspn(text, " ");
		lead = indent;
	} while (*text);
	return y;
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
	for (unsigned int i = 0;
	     y < LINES - 1 && top_lines_detail(&s->row[v->at], i, (size_t)COLS, line); i++)
		y = put_wrapped(y, LINES - 1, i ? A_NORMAL : A_BOLD, line, 2);
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

/* On a screen that is too low for it beside the summary it is alone, and has pages. */
static bool help_is_alone(const struct top_view *v)
{
	return v->mode == TOP_HELP && LINES < HEAD_LINES + HELP_LINES;
}

static void draw_help(struct top_view *v)
{
	int y = help_is_alone(v) ? 0 : HEAD_LINES - 1;
	unsigned int i = v->help_from;
	const char *text;

	for (; (text = top_lines_help(i)); i++) {
		/* What begins where the meanings do goes on there. */
		int indent = strlen(text) > HELP_INDENT && text[HELP_INDENT - 1] == ' '
				     ? HELP_INDENT
				     : 0;
		int next = put_wrapped(y, 0, A_NORMAL, text, indent);

		if (next >= LINES && i > v->help_from)
			break;
		y = put_wrapped(y, LINES - 1, A_NORMAL, text, indent);
	}
	v->help_next = text ? i : 0;
}

/* The first if it is not too wide. */
static const char *fit(const char *wide, const char *narrow)
{
	return strlen(wide) <= (size_t)COLS ? wide : narrow;
}

static void draw_sort(const struct top_view *v)
{
	/* On a screen too short for all, those about the choice. */
	int room = LINES - HEAD_LINES - 1, from = 0;
	char line[TOP_LINE_BYTES];

	if (room < __TOP_COLUMNS)
		from = max_t(int, (int)v->choice - room + 1, 0);
	put_text(HEAD_LINES - 1, A_REVERSE,
		 fit("Sort by: arrows, Enter; Esc leaves it as it is",
		     "Sort by: arrows, Enter, or Esc"));
	for (int i = from; i < __TOP_COLUMNS && i - from < room; i++) {
		snprintf(line, sizeof(line), "%-8s %s", top_column_title((enum top_column)i),
			 top_column_meaning((enum top_column)i));
		put(HEAD_LINES + i - from, i == (int)v->choice ? A_REVERSE : A_NORMAL, line);
	}
}

static void draw_summary(const struct top_view *v, const struct top_sample *s)
{
	char line[TOP_LINE_BYTES];

	for (unsigned int i = 0; i < TOP_SUMMARY_LINES; i++) {
		top_lines_summary(s, i, (size_t)COLS, line);
		put((int)i, A_NORMAL, line);
	}
	draw_note(v, s);
}

static const char *foot(const struct top_view *v)
{
	if (v->mode == TOP_HELP)
		return v->help_next ? "any key: more; q: back" : "any key: back";
	return fit("h Help  s Sort  r Reverse  Enter Details  d Delay  q Quit",
		   "h Help  s Sort  Enter Details  q Quit");
}

void top_draw(struct top_view *v, struct top_sample *s)
{
	erase();
	if (!help_is_alone(v))
		draw_summary(v, s);
	if (v->mode == TOP_HELP)
		draw_help(v);
	else if (v->mode == TOP_SORT)
		draw_sort(v);
	else
		draw_list(v, s);
	put_text(LINES - 1, A_REVERSE, foot(v));
	refresh();
}
