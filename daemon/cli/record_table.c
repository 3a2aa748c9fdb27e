// SPDX-License-Identifier: GPL-2.0-only
#include "cli/record_table.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/size.h"
#include "base/types.h"
#include "cli/histogram.h"
#include "cli/record.h"

enum column {
	COL_PID,
	COL_COMMAND,
	COL_STATE,
	COL_FAMILY,
	COL_BUDGET,
	COL_SHARE,
	COL_RESIDENT,
	COL_STANDBY,
	COL_SWAPPED,
	COL_FAULTS,
	COL_EVICTIONS,
	COL_REFAULTS,
	COL_P50,
	COL_P99,
	COL_STALL,
	COL_NOTE,
};

static const struct {
	const char *title;
	int flags;
} columns[] = {
	[COL_PID] = { "PID", SCOLS_FL_RIGHT },
	[COL_COMMAND] = { "COMMAND", 0 },
	[COL_STATE] = { "STATE", 0 },
	[COL_FAMILY] = { "FAMILY", SCOLS_FL_RIGHT },
	[COL_BUDGET] = { "BUDGET", SCOLS_FL_RIGHT },
	[COL_SHARE] = { "SHARE", SCOLS_FL_RIGHT },
	[COL_RESIDENT] = { "RESIDENT", SCOLS_FL_RIGHT },
	[COL_STANDBY] = { "STANDBY", SCOLS_FL_RIGHT },
	[COL_SWAPPED] = { "SWAPPED", SCOLS_FL_RIGHT },
	[COL_FAULTS] = { "FAULTS", SCOLS_FL_RIGHT },
	[COL_EVICTIONS] = { "EVICTIONS", SCOLS_FL_RIGHT },
	[COL_REFAULTS] = { "REFAULTS", SCOLS_FL_RIGHT },
	[COL_P50] = { "P50", SCOLS_FL_RIGHT },
	[COL_P99] = { "P99", SCOLS_FL_RIGHT },
	[COL_STALL] = { "STALL", SCOLS_FL_RIGHT },
	[COL_NOTE] = { "NOTE", 0 },
};

static int set_size(struct libscols_line *line, enum column column, uint64_t bytes)
{
	char text[SIZE_TEXT_BYTES];

	size_format(bytes, text, sizeof(text));
	return scols_line_set_data(line, column, text);
}

static int set_count(struct libscols_line *line, enum column column, uint64_t count)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, count);
	return scols_line_set_data(line, column, text);
}

static int set_percentile(struct libscols_line *line, enum column column,
			  const struct upager_record *record, unsigned int percent)
{
	char text[HISTOGRAM_TEXT_BYTES];

	histogram_percentile(record->latency_ns_log2, percent, text);
	return scols_line_set_data(line, column, text);
}

static int set_stall(struct libscols_line *line, const struct upager_stall *stall)
{
	char text[16];

	snprintf(text, sizeof(text), "%.2f%%", record_percent(stall->some_avg10));
	return scols_line_set_data(line, COL_STALL, text);
}

static int add_line(struct libscols_table *table, const struct upager_record *record,
		    const struct upager_stall *stall)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int err;

	if (!line)
		return -ENOMEM;
	err = set_count(line, COL_PID, (uint64_t)record->pid);
	err = err ?: scols_line_set_data(line, COL_COMMAND, record->comm);
	err = err ?: scols_line_set_data(line, COL_STATE, record_state(record));
	if (record->family)
		err = err ?: set_count(line, COL_FAMILY, (uint64_t)record->family);
	err = err ?: set_size(line, COL_BUDGET, record->budget_bytes);
	err = err ?: set_size(line, COL_SHARE, record->share_bytes);
	err = err ?: set_size(line, COL_RESIDENT, record->resident_bytes);
	err = err ?: set_size(line, COL_STANDBY, record->standby_bytes);
	err = err ?: set_size(line, COL_SWAPPED, record->swapped_bytes);
	err = err ?: set_count(line, COL_FAULTS, record->faults);
	err = err ?: set_count(line, COL_EVICTIONS, record->evictions);
	err = err ?: set_count(line, COL_REFAULTS, record->refaults);
	err = err ?: set_percentile(line, COL_P50, record, 50);
	err = err ?: set_percentile(line, COL_P99, record, 99);
	err = err ?: set_stall(line, stall);
	return err ?: scols_line_set_data(line, COL_NOTE, record->text);
}

/* Whether one of them has something to show there. */
static bool is_needed(enum column column, const struct snapshot *snap)
{
	const struct upager_record *record = snap->record;
	bool needed = column != COL_FAMILY && column != COL_SHARE && column != COL_NOTE;

	if (column == COL_STALL)
		return snap->has_stall;
	for (uint32_t i = 0; i < snap->nr && !needed; i++)
		needed = (column == COL_FAMILY && record[i].family) ||
			 (column == COL_SHARE && record[i].share_bytes != record[i].budget_bytes) ||
			 (column == COL_NOTE && record[i].text[0]);
	return needed;
}

int record_table_print(const struct snapshot *snap)
{
	struct libscols_table *table = scols_new_table();
	int err = 0;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (!scols_table_new_column(
			    table, columns[i].title, 0,
			    columns[i].flags |
				    (is_needed((enum column)i, snap) ? 0 : SCOLS_FL_HIDDEN))) {
			err = -ENOMEM;
			goto undo_table;
		}
	for (uint32_t i = 0; i < snap->nr && !err; i++)
		err = add_line(table, &snap->record[i], &snap->stall[i]);
	if (!err)
		err = scols_print_table(table);
undo_table:
	scols_unref_table(table);
	return err;
}

static void print_count(const char *name, uint64_t count, const char *what)
{
	printf("%-18s %12" PRIu64 "  %s\n", name, count, what);
}

void record_table_print_stall(const char *name, const struct upager_stall *stall)
{
	printf("%s some avg10=%.2f avg60=%.2f avg300=%.2f total=%" PRIu64 "\n", name,
	       record_percent(stall->some_avg10), record_percent(stall->some_avg60),
	       record_percent(stall->some_avg300), (uint64_t)stall->some_total_us);
	printf("%s full avg10=%.2f avg60=%.2f avg300=%.2f total=%" PRIu64 "\n", name,
	       record_percent(stall->full_avg10), record_percent(stall->full_avg60),
	       record_percent(stall->full_avg300), (uint64_t)stall->full_total_us);
}

void record_table_print_details(const struct snapshot *snap)
{
	const struct upager_record *record = &snap->record[0];
	char registered[SIZE_TEXT_BYTES], pool[SIZE_TEXT_BYTES];

	size_format(record->registered_bytes, registered, sizeof(registered));
	printf("\n%-18s %12s  memory whose faults the pager serves\n", "registered", registered);
	size_format(record->pool_bytes, pool, sizeof(pool));
	printf("%-18s %12s  the daemon's memory for standby\n", "pool", pool);
	print_count("zero fills", record->zero_fills, "pages given on first touch");
	print_count("swap ins", record->swap_ins, "pages read from the swap area");
	print_count("clean drops", record->clean_drops, "pages evicted without a write");
	print_count("rescues", record->rescues, "pages taken back from standby");
	print_count("readahead", record->readahead_pages, "pages read ahead");
	print_count("readahead hits", record->readahead_hits, "of them used");
	print_count("pinned", record->pinned, "pages that could not be moved");
	print_count("throttled", record->throttled, "faults that waited for an eviction");
	print_count("pauses", record->pauses, "stops of all threads until it was under its budget");
	print_count("paused ms", record->paused_ns / 1000000, "together");
	print_count("forks", record->forks, "children made while paged");
	print_count("checksum failures", record->checksum_failures, "pages lost on the device");
	print_count("i/o errors", record->io_errors, "of the swap area");
	if (snap->has_stall)
		record_table_print_stall("stall ", &snap->stall[0]);
	if (!record->faults)
		return;
	printf("\nFault service time\n");
	histogram_print(record->latency_ns_log2);
}
