/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOP_COLUMN_H
#define UPAGER_TOP_COLUMN_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/top/sample.h"

/* In the order in which they are shown. */
enum top_column {
	TOP_PID,
	TOP_STATE,
	TOP_BUDGET,
	TOP_RESIDENT,
	TOP_STANDBY,
	TOP_SWAPPED,
	TOP_FAULTS,
	TOP_EVICTIONS,
	TOP_P50,
	TOP_P99,
	TOP_STALL,
	TOP_READAHEAD,
	TOP_COMMAND,
	__TOP_COLUMNS,
};

#define TOP_LINE_BYTES 512

/* A bit for each. */
typedef unsigned int top_columns_t;

#define TOP_ALL_COLUMNS ((1u << __TOP_COLUMNS) - 1)

const char *top_column_title(enum top_column column);
/* What it is, for the choice of what to sort by. */
const char *top_column_meaning(enum top_column column);
/* Those that a terminal has room for; a narrow one loses the less important ones. */
top_columns_t top_columns_fit(size_t width);
/* The titles, or a row, as text. */
void top_columns_head(top_columns_t shown, char text[TOP_LINE_BYTES]);
void top_columns_row(top_columns_t shown, const struct top_row *row, char text[TOP_LINE_BYTES]);
/* What comes first by itself: the largest, or the first name or number. <0: a does. */
int top_column_compare(enum top_column column, const struct top_row *a, const struct top_row *b);
/* By its title, whatever case; __TOP_COLUMNS: none. */
enum top_column top_column_named(const char *title);

#endif
