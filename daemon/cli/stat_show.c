// SPDX-License-Identifier: GPL-2.0-only
#include "cli/stat_show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/types.h"
#include "cli/json.h"
#include "cli/message.h"

struct spread {
	uint64_t least, median, most;
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Of a figure that each run has at this offset; of an even number the lower of the middle two. */
static struct spread spread_of(const struct stat_result *result, size_t offset)
{
	uint64_t value[STAT_REPEAT_MAX] = { 0 };

	for (size_t i = 0; i < result->nr; i++)
		memcpy(&value[i], (const char *)&result->sums[i] + offset, sizeof(value[i]));
	qsort(value, result->nr, sizeof(value[0]), compare);
	return (struct spread){ value[0], value[(result->nr - 1) / 2], value[result->nr - 1] };
}

static struct spread spread_of_key(const struct stat_result *result, size_t key)
{
	return spread_of(result, offsetof(struct stat_sums, counts.value) + key * sizeof(uint64_t));
}

static void format(const char *key, uint64_t value, char *text, size_t size)
{
	if (strstr(key, "bytes"))
		size_format(value, text, size);
	else
		snprintf(text, size, "%" PRIu64, value);
}

static void print_key(FILE *out, const struct ends_key *key, struct spread s, bool repeated)
{
	char median[SIZE_TEXT_BYTES + 16], least[sizeof(median)], most[sizeof(median)];

	format(key->key, s.median, median, sizeof(median));
	fprintf(out, "  %-18s %12s", key->name, median);
	if (repeated) {
		format(key->key, s.least, least, sizeof(least));
		format(key->key, s.most, most, sizeof(most));
		fprintf(out, "  (%s to %s)", least, most);
	}
	fprintf(out, "  %s\n", key->what);
}

static void print_processes(FILE *out, const struct ends *ends)
{
	char bytes[SIZE_TEXT_BYTES];

	fprintf(out, "\n  %10s %10s %10s %10s  %s\n", "PID", "COPIES", "FORKS", "COPIED",
		"COMMAND");
	for (size_t i = 0; i < ends->nr; i++) {
		const struct end *end = &ends->end[i];
		uint64_t copies = 0, forks = 0;

		bytes[0] = '\0';
		for (size_t k = 0; k < ENDS_KEYS; k++) {
			if (!strcmp(ends_keys[k].key, "copies"))
				copies = end->counts.value[k];
			else if (!strcmp(ends_keys[k].key, "forks"))
				forks = end->counts.value[k];
			else if (!strcmp(ends_keys[k].key, "bytes_copied"))
				size_format(end->counts.value[k], bytes, sizeof(bytes));
		}
		fprintf(out, "  %10d %10" PRIu64 " %10" PRIu64 " %10s  %s\n", end->pid, copies,
			forks, bytes, end->comm);
	}
}

int stat_show_text(FILE *out, const struct stat_run *run, struct stat_result *result)
{
	const struct ends *last = &result->last;
	char bytes[SIZE_TEXT_BYTES], command[256];
	uint64_t processes = spread_of(result, offsetof(struct stat_sums, processes)).median;

	snprintf(command, sizeof(command), "%s", run->argv[0]);
	message_clean(command);
	fprintf(out, "\n%s: %" PRIu64 " process%s", command, processes, processes == 1 ? "" : "es");
	if (run->repeat > 1)
		fprintf(out, ", medians of %u runs", run->repeat);
	fprintf(out, "\n\n");
	for (size_t k = 0; k < ENDS_KEYS; k++)
		if (last->sum.known[k])
			print_key(out, &ends_keys[k], spread_of_key(result, k), run->repeat > 1);
	if (last->nr_places)
		fprintf(out, "\n  %10s %10s  %s\n", "COPIES", "COPIED", "IN");
	for (size_t i = 0; i < last->nr_places; i++) {
		size_format(last->place[i].bytes, bytes, sizeof(bytes));
		fprintf(out, "  %10" PRIu64 " %10s  %s\n", last->place[i].copies, bytes,
			last->place[i].name);
	}
	if (run->children)
		print_processes(out, last);
	fprintf(out, "\n  %.3f s\n",
		(double)spread_of(result, offsetof(struct stat_sums, elapsed_ns)).median / 1e9);
	return ferror(out) ? -EIO : 0;
}

static json_t *counts_json(const struct ends_counts *counts)
{
	json_t *object = json_object();

	for (size_t k = 0; k < ENDS_KEYS; k++)
		if (counts->known[k])
			json_object_set_new(object, ends_keys[k].key, json_count(counts->value[k]));
	return object;
}

static json_t *processes_json(const struct ends *ends)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ends->nr; i++) {
		json_t *object = counts_json(&ends->end[i].counts);

		json_object_set_new(object, "pid", json_count((uint64_t)ends->end[i].pid));
		json_object_set_new(object, "comm", json_text(ends->end[i].comm));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *places_json(const struct ends *ends)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ends->nr_places; i++) {
		json_t *object = json_object();

		json_object_set_new(object, "place_name", json_text(ends->place[i].name));
		json_object_set_new(object, "place_copies", json_count(ends->place[i].copies));
		json_object_set_new(object, "place_bytes", json_count(ends->place[i].bytes));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *number_json(struct spread s)
{
	return json_count(s.median);
}

int stat_show_json(FILE *out, const struct stat_run *run, struct stat_result *result)
{
	json_t *root = json_object(), *all = json_array();
	struct ends_counts median = result->last.sum;
	int err;

	for (size_t k = 0; k < ENDS_KEYS; k++)
		median.value[k] = spread_of_key(result, k).median;
	for (size_t i = 0; i < result->nr; i++)
		json_array_append_new(all, counts_json(&result->sums[i].counts));
	json_object_set_new(root, "runs", json_count(result->nr));
	json_object_set_new(root, "exit_status", json_count((uint64_t)result->status));
	json_object_set_new(root, "elapsed_ns",
			    number_json(spread_of(result, offsetof(struct stat_sums, elapsed_ns))));
	json_object_set_new(root, "processes",
			    number_json(spread_of(result, offsetof(struct stat_sums, processes))));
	json_object_set_new(root, "cow", counts_json(&median));
	json_object_set_new(root, "each_run", all);
	json_object_set_new(root, "places", places_json(&result->last));
	if (run->children)
		json_object_set_new(root, "children", processes_json(&result->last));
	err = json_dumpf(root, out, JSON_INDENT(2)) || fputc('\n', out) == EOF ? -EIO : 0;
	json_decref(root);
	return err;
}
