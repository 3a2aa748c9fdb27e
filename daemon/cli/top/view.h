/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOP_VIEW_H
#define UPAGER_TOP_VIEW_H

#include "cli/top/column.h"

/* What has the keys. */
enum top_mode {
	TOP_LIST,
	TOP_HELP,
	TOP_SORT, /* choosing a column */
	TOP_DELAY, /* typing one */
};

/* Which processes are shown, in which order, and what the keys have changed of that. */
struct top_view {
	enum top_mode mode;
	enum top_column sort;
	bool reverse;
	bool detail;
	bool quit;
	bool refresh; /* at once */
	double delay_s;
	int32_t selected; /* pid; 0: there is none */
	bool follows; /* it was chosen: it stays selected wherever it moves to */
	uint32_t at; /* its row */
	uint32_t first; /* row at the top */
	uint32_t room; /* rows that fit */
	enum top_column choice; /* TOP_SORT */
	unsigned int help_from; /* TOP_HELP: its first line on the screen */
	unsigned int help_next; /* behind its last; 0: there are no more */
	char typed[16]; /* TOP_DELAY */
	char note[80]; /* about the last key */
};

void top_view_init(struct top_view *v);
/* Sorts the rows, finds the selected one, or what is in its place now, and scrolls to it. */
void top_view_arrange(struct top_view *v, struct top_sample *s);
/* Seconds from 0.1 to 86400. False: it is no such time. */
bool top_view_seconds(const char *text, double *seconds);
/* So many rows down, or up. */
void top_view_move(struct top_view *v, const struct top_sample *s, int rows);

#endif
