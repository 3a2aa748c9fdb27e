// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top/lines.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/size.h"
#include "base/types.h"
#include "cli/histogram.h"
#include "cli/record.h"

struct size {
	char text[SIZE_TEXT_BYTES];
};

static struct size size(uint64_t bytes)
{
	struct size s = { "" };

	size_format(bytes, s.text, sizeof(s.text));
	return s;
}

/* The shortest form of a line; 0 is the longest. */
#define SHORTEST 3

static void summary_processes(const struct top_sample *s, unsigned int form, char *text)
{
	uint32_t nr[UPAGER_PROC_REFUSED + 2] = { 0 }; /* the last: of states without a name */
	uint32_t paged, watched;
	time_t now = time(NULL);
	struct tm tm = { 0 };
	size_t at;

	for (uint32_t i = 0; i < s->nr; i++)
		nr[min_t(uint32_t, s->row[i].record.state, UPAGER_PROC_REFUSED + 1)]++;
	paged = nr[UPAGER_PROC_PAGED] + nr[UPAGER_PROC_DETACHING];
	watched = nr[UPAGER_PROC_WATCHED] + nr[UPAGER_PROC_READY];
	localtime_r(&now, &tm);
	at = (size_t)snprintf(text, TOP_LINE_BYTES, "%s%02d:%02d:%02d  ",
			      form ? "" : "upager top - ", tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (form < 2)
		snprintf(text + at, TOP_LINE_BYTES - at,
			 "%u processes: %u paged, %u watched, %u refused", s->nr, paged, watched,
			 nr[UPAGER_PROC_REFUSED]);
	else
		snprintf(text + at, TOP_LINE_BYTES - at, "%u paged of %u processes", paged, s->nr);
}

static void summary_memory(const struct upager_record *d, unsigned int form, char *text)
{
	struct size areas = size(d->slots_total * PAGE_SIZE);
	struct size room = size(d->slots_free * PAGE_SIZE), memory = size(d->memory_bytes);

	if (form < 2)
		snprintf(text, TOP_LINE_BYTES, "Areas  %s, %s free   Daemon %s, of it %s standby",
			 areas.text, room.text, memory.text, size(d->pool_bytes).text);
	else if (form == 2)
		snprintf(text, TOP_LINE_BYTES, "Areas %s, %s free  Daemon %s", areas.text,
			 room.text, memory.text);
	else
		snprintf(text, TOP_LINE_BYTES, "Areas %s, %s free", areas.text, room.text);
}

static void summary_stall(const struct top_sample *s, unsigned int form, char *text)
{
	const struct upager_stall *all = &s->now.all;
	double some10 = record_percent(all->some_avg10), full10 = record_percent(all->full_avg10);

	if (form > 1)
		snprintf(text, TOP_LINE_BYTES, "%.0f/s  stall some %.2f%% full %.2f%%", s->faults_s,
			 some10, full10);
	else
		snprintf(text, TOP_LINE_BYTES,
			 "Faults %.0f/s   Stall%s: some %.2f %.2f %.2f%%, full %.2f %.2f %.2f%%",
			 s->faults_s, form ? "" : ", 10/60/300 s", some10,
			 record_percent(all->some_avg60), record_percent(all->some_avg300), full10,
			 record_percent(all->full_avg60), record_percent(all->full_avg300));
}

void top_lines_summary(const struct top_sample *s, unsigned int line, size_t width,
		       char text[TOP_LINE_BYTES])
{
	for (unsigned int form = 0; form <= SHORTEST; form++) {
		if (line == 0)
			summary_processes(s, form, text);
		else if (line == 1)
			summary_memory(&s->now.daemon, form, text);
		else
			summary_stall(s, form, text);
		if (strlen(text) <= width)
			return;
	}
}

static void detail_counts(const struct upager_record *r, unsigned int line, char *text)
{
	switch (line) {
	case 0:
		snprintf(text, TOP_LINE_BYTES, "%d %s: %s, budget %s, share %s, weight %u", r->pid,
			 r->comm, record_state(r), size(r->budget_bytes).text,
			 size(r->share_bytes).text, r->weight);
		break;
	case 1:
		snprintf(text, TOP_LINE_BYTES,
			 "registered %s, resident %s, standby %s of %s, swapped %s",
			 size(r->registered_bytes).text, size(r->resident_bytes).text,
			 size(r->standby_bytes).text, size(r->pool_bytes).text,
			 size(r->swapped_bytes).text);
		break;
	case 2:
		snprintf(
			text, TOP_LINE_BYTES,
			"faults %llu, zero fills %llu, swap ins %llu, rescues %llu, throttled %llu",
			r->faults, r->zero_fills, r->swap_ins, r->rescues, r->throttled);
		break;
	default:
		snprintf(text, TOP_LINE_BYTES,
			 "evictions %llu (clean %llu), read ahead %llu (used %llu), pinned %llu",
			 r->evictions, r->clean_drops, r->readahead_pages, r->readahead_hits,
			 r->pinned);
	}
}

#define COUNT_LINES 4

static bool detail_note(const struct upager_record *r, char *text)
{
	if (r->checksum_failures || r->io_errors)
		snprintf(text, TOP_LINE_BYTES, "%llu pages came back wrong, %llu I/O errors. %s",
			 r->checksum_failures, r->io_errors, r->text);
	else
		snprintf(text, TOP_LINE_BYTES, "%s", r->text);
	return text[0];
}

static void detail_stall(const struct upager_stall *stall, bool full, char *text)
{
	if (full)
		snprintf(text, TOP_LINE_BYTES,
			 "stall full avg10=%.2f avg60=%.2f avg300=%.2f total=%llu us",
			 record_percent(stall->full_avg10), record_percent(stall->full_avg60),
			 record_percent(stall->full_avg300), stall->full_total_us);
	else
		snprintf(text, TOP_LINE_BYTES,
			 "stall some avg10=%.2f avg60=%.2f avg300=%.2f total=%llu us",
			 record_percent(stall->some_avg10), record_percent(stall->some_avg60),
			 record_percent(stall->some_avg300), stall->some_total_us);
}

#define STALL_LINES 2

bool top_lines_detail(const struct top_row *row, unsigned int line, size_t width,
		      char text[TOP_LINE_BYTES])
{
	const struct upager_record *r = &row->record;
	const __u64 *bucket = r->latency_ns_log2;
	struct histogram h;

	if (line < COUNT_LINES) {
		detail_counts(r, line, text);
		return true;
	}
	line -= COUNT_LINES;
	if (line < STALL_LINES) {
		detail_stall(&row->stall, line, text);
		return true;
	}
	line -= STALL_LINES;
	if (detail_note(r, text) && !line--)
		return true;
	histogram_look(bucket, &h);
	if (!line--) {
		snprintf(text, TOP_LINE_BYTES, "Fault service time, %llu faults",
			 (unsigned long long)h.all);
		return true;
	}
	if (line + h.first > h.last || !h.all)
		return false;
	histogram_line(bucket, &h, line + h.first, width, text);
	return true;
}

const char *top_lines_help(unsigned int line)
{
	static const char *const lines[] = {
		"q, F10         quit",
		"h, ?, F1       this help",
		"Up, Down, k, j a row; PgUp, PgDn a page; Home, End the first and the last",
		"Enter, Space   show or hide the details of the selected process",
		"s, F6          choose what to sort by",
		"<, >           sort by the column to the left or right",
		"r, R           reverse the order",
		"d, F5          seconds between two looks",
		"Ctrl-L         draw the screen anew",
		"Esc            leave help, choice, or details",
		"",
		"FAULT/s, EVICT/s, P50, P99 and STALL% are of the time since the look before,",
		"P50 and P99 upper bounds; RA% since it is paged.",
		"S: W watched, Y ready, P paged, D detaching, X refused.",
	};

	return line < ARRAY_SIZE(lines) ? lines[line] : NULL;
}

static bool is_within_letter(char byte)
{
	return (byte & 0xc0) == 0x80;
}

size_t top_lines_break(const char *text, size_t width)
{
	size_t at = width;

	if (strlen(text) <= width)
		return strlen(text);
	while (at && text[at] != ' ')
		at--;
	if (at)
		return at;
	for (at = width; at && is_within_letter(text[at]); at--)
		;
	return at ? at : width;
}

void top_lines_clip(char *text, size_t width)
{
	size_t at = width;

	if (strlen(text) <= width)
		return;
	/* No letter takes more columns than bytes. */
	while (at && is_within_letter(text[at]))
		at--;
	text[at] = '\0';
}
