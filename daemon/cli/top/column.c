// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top/column.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "cli/histogram.h"
#include "cli/record.h"

#define COMMAND_MIN 8

static const struct {
	const char *title;
	const char *meaning;
	int width;
	int keep; /* the smaller, the narrower a terminal on which it is shown */
} columns[__TOP_COLUMNS] = {
	[TOP_PID] = { "PID", "process id", 7, 0 },
	[TOP_STATE] = { "S", "state: W watched, Y ready, P paged, D detaching, X refused", 1, 6 },
	[TOP_BUDGET] = { "BUDGET", "private anonymous memory that it may keep", 7, 3 },
	[TOP_RESIDENT] = { "RES", "what it has now", 7, 1 },
	[TOP_STANDBY] = { "STANDBY", "evicted, still in memory", 7, 11 },
	[TOP_SWAPPED] = { "SWAPPED", "only in the swap area", 7, 4 },
	[TOP_FAULTS] = { "FAULT/s", "faults that the pager served, each second", 7, 2 },
	[TOP_EVICTIONS] = { "EVICT/s", "pages taken out, each second", 7, 10 },
	[TOP_P50] = { "P50", "half of the faults since the last look took less", 6, 8 },
	[TOP_P99] = { "P99", "99 of 100 of them took less", 6, 7 },
	[TOP_STALL] = { "STALL%", "of that time, in which a thread waited for a fault", 6, 5 },
	[TOP_READAHEAD] = { "RA%", "pages read ahead that were used", 4, 9 },
	[TOP_COMMAND] = { "COMMAND", "its name", COMMAND_MIN, 0 },
};

const char *top_column_title(enum top_column column)
{
	return columns[column].title;
}

const char *top_column_meaning(enum top_column column)
{
	return columns[column].meaning;
}

top_columns_t top_columns_fit(size_t width)
{
	size_t used = (size_t)columns[TOP_PID].width + 1 + COMMAND_MIN;
	top_columns_t shown = 1u << TOP_PID | 1u << TOP_COMMAND;

	for (int keep = 1; keep < __TOP_COLUMNS; keep++)
		for (int i = 0; i < __TOP_COLUMNS; i++) {
			if (columns[i].keep != keep)
				continue;
			used += (size_t)columns[i].width + 1;
			if (used > width)
				return shown;
			shown |= 1u << i;
		}
	return shown;
}

static char state_letter(const struct upager_record *record)
{
	static const char letters[] = "WYPDX";

	return record->state < sizeof(letters) - 1 ? letters[record->state] : '?';
}

static void put_rate(const struct top_row *row, double rate, char *text, size_t size)
{
	if (row->is_new)
		snprintf(text, size, "-");
	else
		snprintf(text, size, "%.*f", rate < 9.95 ? 1 : 0, rate);
}

static double readahead_percent(const struct upager_record *record)
{
	/* A hit may be counted before the page is. */
	if (record->readahead_hits >= record->readahead_pages)
		return 100;
	return 100 * (double)record->readahead_hits / (double)record->readahead_pages;
}

static void put_cell(enum top_column column, const struct top_row *row, char *text, size_t size)
{
	const struct upager_record *record = &row->record;

	switch (column) {
	case TOP_PID:
		snprintf(text, size, "%d", record->pid);
		break;
	case TOP_STATE:
		snprintf(text, size, "%c", state_letter(record));
		break;
	case TOP_BUDGET:
		size_format(record->budget_bytes, text, size);
		break;
	case TOP_RESIDENT:
		size_format(record->resident_bytes, text, size);
		break;
	case TOP_STANDBY:
		size_format(record->standby_bytes, text, size);
		break;
	case TOP_SWAPPED:
		size_format(record->swapped_bytes, text, size);
		break;
	case TOP_FAULTS:
		put_rate(row, row->faults_s, text, size);
		break;
	case TOP_EVICTIONS:
		put_rate(row, row->evictions_s, text, size);
		break;
	case TOP_P50:
		histogram_percentile(row->recent, 50, text);
		break;
	case TOP_P99:
		histogram_percentile(row->recent, 99, text);
		break;
	case TOP_STALL:
		snprintf(text, size, row->is_new ? "-" : "%.2f", row->stall_percent);
		break;
	case TOP_READAHEAD:
		snprintf(text, size, record->readahead_pages ? "%.0f" : "-",
			 record->readahead_pages ? readahead_percent(record) : 0);
		break;
	default:
		snprintf(text, size, "%s", record->comm);
	}
}

static void add_cell(char text[TOP_LINE_BYTES], enum top_column column, const char *cell)
{
	size_t at = strlen(text);

	if (column == TOP_COMMAND)
		snprintf(text + at, TOP_LINE_BYTES - at, "%s", cell);
	else
		snprintf(text + at, TOP_LINE_BYTES - at, "%*s ", columns[column].width, cell);
}

void top_columns_head(top_columns_t shown, char text[TOP_LINE_BYTES])
{
	text[0] = '\0';
	for (int i = 0; i < __TOP_COLUMNS; i++)
		if (shown & 1u << i)
			add_cell(text, (enum top_column)i, columns[i].title);
}

void top_columns_row(top_columns_t shown, const struct top_row *row, char text[TOP_LINE_BYTES])
{
	char cell[64]; /* HISTOGRAM_TEXT_BYTES and SIZE_TEXT_BYTES at least */

	text[0] = '\0';
	for (int i = 0; i < __TOP_COLUMNS; i++) {
		if (!(shown & 1u << i))
			continue;
		put_cell((enum top_column)i, row, cell, sizeof(cell));
		add_cell(text, (enum top_column)i, cell);
	}
}

/* What it is sorted by; the largest comes first. */
static double sort_value(enum top_column column, const struct top_row *row)
{
	const struct upager_record *record = &row->record;

	switch (column) {
	case TOP_STATE:
		return record->state;
	case TOP_BUDGET:
		return (double)record->budget_bytes;
	case TOP_RESIDENT:
		return (double)record->resident_bytes;
	case TOP_STANDBY:
		return (double)record->standby_bytes;
	case TOP_SWAPPED:
		return (double)record->swapped_bytes;
	case TOP_FAULTS:
		return row->faults_s;
	case TOP_EVICTIONS:
		return row->evictions_s;
	case TOP_P50:
		return histogram_rank(row->recent, 50);
	case TOP_P99:
		return histogram_rank(row->recent, 99);
	case TOP_STALL:
		return row->stall_percent;
	case TOP_READAHEAD:
		return record->readahead_pages ? readahead_percent(record) : -1;
	default:
		return -(double)record->pid;
	}
}

int top_column_compare(enum top_column column, const struct top_row *a, const struct top_row *b)
{
	double va = sort_value(column, a), vb = sort_value(column, b);

	if (column == TOP_COMMAND)
		return strcmp(a->record.comm, b->record.comm);
	return (va < vb) - (va > vb);
}

enum top_column top_column_named(const char *title)
{
	for (int i = 0; i < __TOP_COLUMNS; i++)
		if (!strcasecmp(columns[i].title, title))
			return (enum top_column)i;
	return __TOP_COLUMNS;
}
