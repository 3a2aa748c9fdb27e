// SPDX-License-Identifier: GPL-2.0-only
#include "cli/record_json.h"

#include <jansson.h>
#include <stddef.h>
#include <string.h>

#include "base/types.h"
#include "cli/json.h"
#include "cli/record.h"

#define COUNTER(name)                                       \
	{                                                   \
#name, offsetof(struct upager_record, name) \
	}

static const struct counter {
	const char *name;
	size_t offset;
} counters[] = {
	COUNTER(budget_bytes),	 COUNTER(resident_bytes),
	COUNTER(standby_bytes),	 COUNTER(pool_bytes),
	COUNTER(swapped_bytes),	 COUNTER(registered_bytes),
	COUNTER(faults),	 COUNTER(zero_fills),
	COUNTER(swap_ins),	 COUNTER(evictions),
	COUNTER(clean_drops),	 COUNTER(rescues),
	COUNTER(refaults),	 COUNTER(readahead_pages),
	COUNTER(readahead_hits), COUNTER(checksum_failures),
	COUNTER(io_errors),	 COUNTER(pinned),
	COUNTER(throttled),	 COUNTER(forks),
	COUNTER(share_bytes),	 COUNTER(pauses),
	COUNTER(paused_ns),	 COUNTER(latency_ns),
};

/* "text" of a record is empty unless there is something to say. */
static void set_text(json_t *object, const char *text)
{
	if (text[0])
		json_object_set_new(object, "text", json_text(text));
}

static void set_stall(json_t *object, const struct upager_stall *stall)
{
	json_t *some = json_object(), *full = json_object();

	json_object_set_new(some, "avg10", json_real(record_percent(stall->some_avg10)));
	json_object_set_new(some, "avg60", json_real(record_percent(stall->some_avg60)));
	json_object_set_new(some, "avg300", json_real(record_percent(stall->some_avg300)));
	json_object_set_new(some, "total_us", json_count(stall->some_total_us));
	json_object_set_new(object, "stall_some", some);
	json_object_set_new(full, "avg10", json_real(record_percent(stall->full_avg10)));
	json_object_set_new(full, "avg60", json_real(record_percent(stall->full_avg60)));
	json_object_set_new(full, "avg300", json_real(record_percent(stall->full_avg300)));
	json_object_set_new(full, "total_us", json_count(stall->full_total_us));
	json_object_set_new(object, "stall_full", full);
}

static json_t *process_object(const struct upager_record *record)
{
	json_t *object = json_object();
	json_t *latency = json_array();

	json_object_set_new(object, "pid", json_integer(record->pid));
	json_object_set_new(object, "comm", json_text(record->comm));
	json_object_set_new(object, "uid", json_integer(record->uid));
	json_object_set_new(object, "state", json_string(record_state(record)));
	json_object_set_new(object, "family", json_integer(record->family));
	json_object_set_new(object, "weight", json_integer(record->weight));
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		uint64_t value;

		memcpy(&value, (const char *)record + counters[i].offset, sizeof(value));
		json_object_set_new(object, counters[i].name, json_count(value));
	}
	for (size_t i = 0; i < UPAGER_HIST_BUCKETS; i++)
		json_array_append_new(latency, json_count(record->latency_ns_log2[i]));
	json_object_set_new(object, "latency_ns_log2", latency);
	set_text(object, record->text);
	return object;
}

static json_t *daemon_object(const struct upager_record *daemon)
{
	json_t *object = json_object();

	json_object_set_new(object, "pid", json_integer(daemon->pid));
	json_object_set_new(object, "slots_total", json_count(daemon->slots_total));
	json_object_set_new(object, "slots_free", json_count(daemon->slots_free));
	json_object_set_new(object, "memory_bytes", json_count(daemon->memory_bytes));
	json_object_set_new(object, "pool_bytes", json_count(daemon->pool_bytes));
	json_object_set_new(object, "slot_bytes", json_count(daemon->slot_bytes));
	json_object_set_new(object, "table_bytes", json_count(daemon->table_bytes));
	json_object_set_new(object, "bytes_per_swapped_page",
			    json_real(record_bytes_per_page(daemon)));
	set_text(object, daemon->text);
	return object;
}

int record_json_print(const struct snapshot *snap)
{
	json_t *root = json_object();
	json_t *list = json_array(), *object;

	for (uint32_t i = 0; i < snap->nr; i++) {
		object = process_object(&snap->record[i]);
		if (snap->has_stall)
			set_stall(object, &snap->stall[i]);
		json_array_append_new(list, object);
	}
	json_object_set_new(root, "processes", list);
	if (snap->has_daemon) {
		object = daemon_object(&snap->daemon);
		if (snap->has_stall)
			set_stall(object, &snap->all);
		json_object_set_new(root, "daemon", object);
	}
	return json_print(root);
}
