// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top/batch.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "cli/message.h"
#include "cli/top/lines.h"

static void print_look(struct top_view *v, struct top_sample *s)
{
	char line[TOP_LINE_BYTES];

	top_view_arrange(v, s);
	for (unsigned int i = 0; i < TOP_SUMMARY_LINES; i++) {
		top_lines_summary(s, i, TOP_LINE_BYTES, line);
		puts(line);
	}
	top_columns_head(TOP_ALL_COLUMNS, line);
	printf("\n%s\n", line);
	for (uint32_t i = 0; i < s->nr; i++) {
		top_columns_row(TOP_ALL_COLUMNS, &s->row[i], line);
		puts(line);
	}
	putchar('\n');
}

int top_batch(struct top_view *v, struct top_sample *s, uint64_t looks)
{
	const struct timespec pause = {
		.tv_sec = (time_t)v->delay_s,
		.tv_nsec = (long)((v->delay_s - (double)(time_t)v->delay_s) * 1e9)
	};

	for (uint64_t n = 0; !looks || n < looks; n++) {
		if (n)
			nanosleep(&pause, NULL);
		if (n && top_sample_take(s))
			return message_fail(UPAGER_EXIT_FAILED, "%s", s->trouble);
		print_look(v, s);
		/* Who reads it is gone, or the disk is full: main() says so. */
		if (fflush(stdout))
			break;
	}
	return UPAGER_EXIT_OK;
}
