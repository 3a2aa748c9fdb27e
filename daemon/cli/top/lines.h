/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOP_LINES_H
#define UPAGER_TOP_LINES_H

#include "cli/top/view.h"

#define TOP_SUMMARY_LINES 3

/* Text that is the same on a terminal and in a file. */

/*
 * How many processes, the areas and the daemon's memory, faults and stall of all: as much of
 * that as is no wider than width.
 */
void top_lines_summary(const struct top_sample *s, unsigned int line, size_t width,
		       char text[TOP_LINE_BYTES]);
/* Of one process: line 0 and on; false behind the last. Only bars mind the width. */
bool top_lines_detail(const struct top_row *row, unsigned int line, size_t width,
		      char text[TOP_LINE_BYTES]);
/* The keys, likewise. */
const char *top_lines_help(unsigned int line);
/* How much of a text a line of that width, at least 1, takes: up to a blank where there is one. */
size_t top_lines_break(const char *text, size_t width);
/* What does not fit goes, never half of a letter. */
void top_lines_clip(char *text, size_t width);

#endif
