// SPDX-License-Identifier: GPL-2.0-only
#include "cli/metrics/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/types.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/record.h"

enum kind {
	GAUGE,
	COUNTER,
	HISTOGRAM,
	INFO,
};

/* The unit is the end of the name. */
struct family {
	const char *name;
	enum kind kind;
	const char *unit; /* "" for none */
	const char *help;
};

/* Of a process: where its value is in the record. */
struct metric {
	struct family family;
	size_t at;
};

#define RECORD(member) offsetof(struct upager_record, member)

static const struct metric of_processes[] = {
	{ { "upager_process_budget_bytes", GAUGE, "bytes",
	    "Private anonymous memory that it may keep, itself or with its family." },
	  RECORD(budget_bytes) },
	{ { "upager_process_share_bytes", GAUGE, "bytes",
	    "What it may keep now of its budget and of the limit of the daemon." },
	  RECORD(share_bytes) },
	{ { "upager_process_resident_bytes", GAUGE, "bytes",
	    "Private anonymous memory that it has." },
	  RECORD(resident_bytes) },
	{ { "upager_process_standby_bytes", GAUGE, "bytes",
	    "Evicted, and in the memory of the daemon yet." },
	  RECORD(standby_bytes) },
	{ { "upager_process_swapped_bytes", GAUGE, "bytes", "In the swap areas only." },
	  RECORD(swapped_bytes) },
	{ { "upager_process_registered_bytes", GAUGE, "bytes", "Addresses that are paged." },
	  RECORD(registered_bytes) },
	{ { "upager_process_faults", COUNTER, "", "Faults that the pager served." },
	  RECORD(faults) },
	{ { "upager_process_zero_fills", COUNTER, "", "Pages that were filled with zeros." },
	  RECORD(zero_fills) },
	{ { "upager_process_swap_ins", COUNTER, "", "Pages read from the swap areas." },
	  RECORD(swap_ins) },
	{ { "upager_process_refaults", COUNTER, "",
	    "Pages read that had been evicted: what a larger budget would save." },
	  RECORD(refaults) },
	{ { "upager_process_evictions", COUNTER, "", "Pages taken out." }, RECORD(evictions) },
	{ { "upager_process_clean_drops", COUNTER, "", "Evictions that needed no write." },
	  RECORD(clean_drops) },
	{ { "upager_process_rescues", COUNTER, "", "Pages taken back from standby." },
	  RECORD(rescues) },
	{ { "upager_process_readahead_pages", COUNTER, "", "Pages that were read ahead." },
	  RECORD(readahead_pages) },
	{ { "upager_process_readahead_hits", COUNTER, "", "Those that were used." },
	  RECORD(readahead_hits) },
	{ { "upager_process_throttled", COUNTER, "", "Faults that waited for an eviction." },
	  RECORD(throttled) },
	{ { "upager_process_pinned", COUNTER, "", "Pages that could not be moved." },
	  RECORD(pinned) },
	{ { "upager_process_forks", COUNTER, "", "Forks that were followed." }, RECORD(forks) },
	{ { "upager_process_pauses", COUNTER, "", "Times that all its threads were stopped." },
	  RECORD(pauses) },
	{ { "upager_process_checksum_failures", COUNTER, "",
	    "Pages that were not what had been written; each is a SIGBUS for who touches it." },
	  RECORD(checksum_failures) },
	{ { "upager_process_io_errors", COUNTER, "", "Reads and writes that failed." },
	  RECORD(io_errors) },
};

static const struct metric of_the_daemon[] = {
	{ { "upager_daemon_memory_bytes", GAUGE, "bytes", "Memory that the daemon has." },
	  RECORD(memory_bytes) },
	{ { "upager_daemon_pool_bytes", GAUGE, "bytes", "Of it for standby." },
	  RECORD(pool_bytes) },
	{ { "upager_daemon_slot_bytes", GAUGE, "bytes", "Of it for slots of swap areas." },
	  RECORD(slot_bytes) },
	{ { "upager_daemon_table_bytes", GAUGE, "bytes", "Of it for page tables." },
	  RECORD(table_bytes) },
};

/* Latencies from 1 us to 2 s have a bucket each, ever twice as long. */
#define BUCKET_FIRST 9
#define BUCKET_LAST  30

struct text {
	FILE *f;
	enum metrics_format format;
	const struct snapshot *snap;
	char (*labels)[160]; /* of each process */
};

static uint64_t value_of(const struct upager_record *record, const struct metric *m)
{
	uint64_t value;

	memcpy(&value, (const char *)record + m->at, sizeof(value));
	return value;
}

/* In the older format the name of a counter, and of an info, has its end. */
static void begin(const struct text *t, const struct family *family)
{
	static const char *const kinds[] = { "gauge", "counter", "histogram", "info" };
	static const char *const ends[] = { "", "_total", "", "_info" };
	bool old = t->format == METRICS_PROMETHEUS;
	const char *end = old ? ends[family->kind] : "";

	fprintf(t->f, "# TYPE %s%s %s\n", family->name, end,
		old && family->kind == INFO ? "gauge" : kinds[family->kind]);
	if (!old && family->unit[0])
		fprintf(t->f, "# UNIT %s %s\n", family->name, family->unit);
	fprintf(t->f, "# HELP %s%s %s\n", family->name, end, family->help);
}

static void put_ns(FILE *f, uint64_t ns)
{
	fprintf(f, "%llu.%09llu", ns / NS_PER_S, ns % NS_PER_S);
}

/* A label's value may hold anything but these as they are. */
static void escape(const char *text, char *to, size_t size)
{
	size_t at = 0;

	for (; *text && at + 3 < size; text++) {
		if (*text == '\\' || *text == '"')
			to[at++] = '\\';
		to[at++] = *text;
	}
	to[at] = '\0';
}

/* Names are the programs' own: what is no UTF-8 is replaced. */
static void set_labels(const struct upager_record *record, char labels[160])
{
	json_t *name = json_text(record->comm);
	char clean[64], comm[128];

	snprintf(clean, sizeof(clean), "%s", name ? json_string_value(name) : "");
	json_decref(name);
	message_clean(clean);
	escape(clean, comm, sizeof(comm));
	snprintf(labels, 160, "pid=\"%d\",comm=\"%s\"", record->pid, comm);
}

static void put_processes(const struct text *t, const struct metric *m)
{
	begin(t, &m->family);
	for (uint32_t i = 0; i < t->snap->nr; i++)
		fprintf(t->f, "%s%s{%s} %" PRIu64 "\n", m->family.name,
			m->family.kind == COUNTER ? "_total" : "", t->labels[i],
			value_of(&t->snap->record[i], m));
}

static void put_info(const struct text *t)
{
	static const struct family family = { "upager_process", INFO, "", "A paged process." };
	const struct upager_record *r = t->snap->record;

	begin(t, &family);
	for (uint32_t i = 0; i < t->snap->nr; i++)
		fprintf(t->f, "upager_process_info{%s,uid=\"%u\",state=\"%s\",family=\"%d\"} 1\n",
			t->labels[i], r[i].uid, record_state(&r[i]), r[i].family);
}

static void put_paused(const struct text *t)
{
	static const struct family family = { "upager_process_paused_seconds", COUNTER, "seconds",
					      "Time for which all its threads were stopped." };

	begin(t, &family);
	for (uint32_t i = 0; i < t->snap->nr; i++) {
		fprintf(t->f, "%s_total{%s} ", family.name, t->labels[i]);
		put_ns(t->f, t->snap->record[i].paused_ns);
		fputc('\n', t->f);
	}
}

static uint64_t stall_us(const struct upager_stall *stall, bool is_full)
{
	return is_full ? stall->full_total_us : stall->some_total_us;
}

static void put_stalls(const struct text *t, bool is_full)
{
	static const struct family family[] = {
		{ "upager_process_stall_seconds", COUNTER, "seconds",
		  "Time in which at least one of its threads waited for the pager." },
		{ "upager_process_stall_full_seconds", COUNTER, "seconds",
		  "Of that, in which none of them could run." },
	};

	if (!t->snap->has_stall)
		return;
	begin(t, &family[is_full]);
	for (uint32_t i = 0; i < t->snap->nr; i++) {
		fprintf(t->f, "%s_total{%s} ", family[is_full].name, t->labels[i]);
		put_ns(t->f, stall_us(&t->snap->stall[i], is_full) * NS_PER_US);
		fputc('\n', t->f);
	}
}

static void put_stall_of_all(const struct text *t, bool is_full)
{
	static const struct family family[] = {
		{ "upager_stall_seconds", COUNTER, "seconds",
		  "Time in which at least one thread of any program waited for the pager." },
		{ "upager_stall_full_seconds", COUNTER, "seconds",
		  "Of that, in which no thread of any program could run." },
	};

	if (!t->snap->has_stall)
		return;
	begin(t, &family[is_full]);
	fprintf(t->f, "%s_total ", family[is_full].name);
	put_ns(t->f, stall_us(&t->snap->all, is_full) * NS_PER_US);
	fputc('\n', t->f);
}

/* A bucket counts [2^n, 2^(n+1)) ns, and the bound of the format belongs to it. */
static void put_latency(const struct text *t, const struct upager_record *r, const char *labels)
{
	uint64_t sum = 0;

	for (int i = 0; i < UPAGER_HIST_BUCKETS; i++) {
		sum += r->latency_ns_log2[i];
		if (i < BUCKET_FIRST || i > BUCKET_LAST)
			continue;
		fprintf(t->f, "upager_process_fault_latency_seconds_bucket{%s,le=\"", labels);
		put_ns(t->f, (2ULL << i) - 1);
		fprintf(t->f, "\"} %" PRIu64 "\n", sum);
	}
	fprintf(t->f, "upager_process_fault_latency_seconds_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n",
		labels, sum);
	fprintf(t->f, "upager_process_fault_latency_seconds_count{%s} %" PRIu64 "\n", labels, sum);
	fprintf(t->f, "upager_process_fault_latency_seconds_sum{%s} ", labels);
	put_ns(t->f, r->latency_ns);
	fputc('\n', t->f);
}

static void put_latencies(const struct text *t)
{
	static const struct family family = {
		"upager_process_fault_latency_seconds", HISTOGRAM, "seconds",
		"How long faults were served, from when the daemon read them."
	};

	begin(t, &family);
	for (uint32_t i = 0; i < t->snap->nr; i++)
		put_latency(t, &t->snap->record[i], t->labels[i]);
}

static void put_states(const struct text *t)
{
	static const struct family family = { "upager_processes", GAUGE, "",
					      "Processes that it knows, by state." };
	struct upager_record each = { 0 };

	begin(t, &family);
	for (each.state = 0; each.state <= UPAGER_PROC_REFUSED; each.state++) {
		uint32_t nr = 0;

		for (uint32_t i = 0; i < t->snap->nr; i++)
			nr += t->snap->record[i].state == each.state;
		fprintf(t->f, "upager_processes{state=\"%s\"} %u\n", record_state(&each), nr);
	}
}

static void put_daemon(const struct text *t)
{
	static const struct family all = { "upager_swap_bytes", GAUGE, "bytes",
					   "Room of all swap areas." };
	static const struct family room = { "upager_swap_free_bytes", GAUGE, "bytes",
					    "Of it free." };
	const struct upager_record *d = &t->snap->daemon;

	begin(t, &all);
	fprintf(t->f, "upager_swap_bytes %" PRIu64 "\n", (uint64_t)(d->slots_total * PAGE_SIZE));
	begin(t, &room);
	fprintf(t->f, "upager_swap_free_bytes %" PRIu64 "\n",
		(uint64_t)(d->slots_free * PAGE_SIZE));
	for (size_t i = 0; i < ARRAY_SIZE(of_the_daemon); i++) {
		begin(t, &of_the_daemon[i].family);
		fprintf(t->f, "%s %" PRIu64 "\n", of_the_daemon[i].family.name,
			value_of(d, &of_the_daemon[i]));
	}
	put_states(t);
	put_stall_of_all(t, false);
	put_stall_of_all(t, true);
}

static void put_all_processes(struct text *t)
{
	t->labels = calloc(t->snap->nr + 1u, sizeof(*t->labels));
	if (!t->labels)
		return;
	for (uint32_t i = 0; i < t->snap->nr; i++)
		set_labels(&t->snap->record[i], t->labels[i]);
	put_info(t);
	for (size_t i = 0; i < ARRAY_SIZE(of_processes); i++)
		put_processes(t, &of_processes[i]);
	put_stalls(t, false);
	put_stalls(t, true);
	put_paused(t);
	put_latencies(t);
	free(t->labels);
}

void metrics_print(FILE *f, enum metrics_format format, const struct snapshot *snap)
{
	static const struct family up = { "upager_up", GAUGE, "", "Whether the daemon answers." };
	static const struct family build = { "upager_build", INFO, "", "The version of upager." };
	struct text t = { .f = f, .format = format, .snap = snap };

	begin(&t, &up);
	fprintf(f, "upager_up %d\n", snap ? 1 : 0);
	begin(&t, &build);
	fprintf(f, "upager_build_info{version=\"%s\"} 1\n", UPAGER_VERSION);
	if (snap) {
		put_daemon(&t);
		put_all_processes(&t);
	}
	if (format == METRICS_OPENMETRICS)
		fputs("# EOF\n", f);
}
