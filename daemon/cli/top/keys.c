// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top/keys.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

#define KEY_ESCAPE 27
#define CTRL_L	   12
#define DELETE	   127

static void sort_by(struct top_view *v, struct top_sample *s, enum top_column column)
{
	v->sort = column;
	v->reverse = false;
	top_view_arrange(v, s);
}

static void sort_beside(struct top_view *v, struct top_sample *s, int by)
{
	int column = (int)v->sort + by;

	if (column >= 0 && column < __TOP_COLUMNS)
		sort_by(v, s, (enum top_column)column);
}

static void leave(struct top_view *v)
{
	if (v->detail)
		v->detail = false;
	else
		v->follows = false;
}

static bool key_moves(struct top_view *v, struct top_sample *s, int key)
{
	int page = v->room > 1 ? (int)v->room - 1 : 1;

	switch (key) {
	case KEY_UP:
	case 'k':
		top_view_move(v, s, -1);
		return true;
	case KEY_DOWN:
	case 'j':
		top_view_move(v, s, 1);
		return true;
	case KEY_PPAGE:
		top_view_move(v, s, -page);
		return true;
	case KEY_NPAGE:
		top_view_move(v, s, page);
		return true;
	case KEY_HOME:
	case 'g':
		top_view_move(v, s, -(int)s->nr);
		return true;
	case KEY_END:
	case 'G':
		top_view_move(v, s, (int)s->nr);
		return true;
	}
	return false;
}

static void key_in_list(struct top_view *v, struct top_sample *s, int key)
{
	if (key_moves(v, s, key))
		return;
	switch (key) {
	case 'q':
	case 'Q':
	case KEY_F(10):
		v->quit = true;
		break;
	case 'h':
	case '?':
	case KEY_F(1):
		v->mode = TOP_HELP;
		v->help_from = 0;
		break;
	case 's':
	case KEY_F(6):
		v->mode = TOP_SORT;
		v->choice = v->sort;
		break;
	case '<':
		sort_beside(v, s, -1);
		break;
	case '>':
		sort_beside(v, s, 1);
		break;
	case 'r':
	case 'R':
		v->reverse = !v->reverse;
		top_view_arrange(v, s);
		break;
	case '\n':
	case '\r':
	case KEY_ENTER:
	case ' ':
		v->detail = !v->detail;
		v->follows = true;
		break;
	case 'd':
	case KEY_F(5):
		v->mode = TOP_DELAY;
		v->typed[0] = '\0';
		break;
	case KEY_ESCAPE:
		leave(v);
		break;
	case CTRL_L:
		clearok(curscr, TRUE);
		v->refresh = true;
		break;
	case KEY_RESIZE:
	case KEY_MOUSE:
		break;
	default:
		snprintf(v->note, sizeof(v->note), "no such key; h shows those that there are");
	}
}

static void key_in_help(struct top_view *v, int key)
{
	bool leaves = key == 'q' || key == KEY_ESCAPE || !v->help_next;

	if (key == KEY_RESIZE)
		v->help_from = 0;
	else if (leaves)
		v->mode = TOP_LIST;
	else
		v->help_from = v->help_next;
}

static void key_in_sort(struct top_view *v, struct top_sample *s, int key)
{
	switch (key) {
	case KEY_UP:
	case 'k':
		v->choice = v->choice ? (enum top_column)(v->choice - 1) : 0;
		break;
	case KEY_DOWN:
	case 'j':
		if (v->choice + 1 < __TOP_COLUMNS)
			v->choice = (enum top_column)(v->choice + 1);
		break;
	case '\n':
	case '\r':
	case KEY_ENTER:
		v->mode = TOP_LIST;
		sort_by(v, s, v->choice);
		break;
	case KEY_ESCAPE:
	case 'q':
		v->mode = TOP_LIST;
		break;
	}
}

static void key_in_delay(struct top_view *v, int key)
{
	size_t len = strlen(v->typed);

	if (key == KEY_ESCAPE) {
		v->mode = TOP_LIST;
	} else if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		v->mode = TOP_LIST;
		if (len && !top_view_seconds(v->typed, &v->delay_s))
			snprintf(v->note, sizeof(v->note),
				 "'%s' is no time to wait; give seconds from 0.1 to 86400",
				 v->typed);
		v->refresh = true;
	} else if ((key == KEY_BACKSPACE || key == '\b' || key == DELETE) && len) {
		v->typed[len - 1] = '\0';
	} else if (key >= ' ' && key < DELETE && len + 1 < sizeof(v->typed)) {
		v->typed[len] = (char)key;
		v->typed[len + 1] = '\0';
	}
}

void top_key(struct top_view *v, struct top_sample *s, int key)
{
	v->note[0] = '\0';
	switch (v->mode) {
	case TOP_LIST:
		key_in_list(v, s, key);
		break;
	case TOP_HELP:
		key_in_help(v, key);
		break;
	case TOP_SORT:
		key_in_sort(v, s, key);
		break;
	case TOP_DELAY:
		key_in_delay(v, key);
		break;
	}
}
