// SPDX-License-Identifier: GPL-2.0-only
#include "cli/stat_ends.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"
#include "cli/message.h"

#define OTHERS "[others]"

const struct ends_key ends_keys[] = {
	{ "copies", "copies", "writes that copied a shared page" },
	{ "reuses_without_copy", "reuses", "writes that had nothing to copy any more" },
	{ "zero_first_writes", "zero page", "first writes to it" },
	{ "file_first_writes", "files", "first writes to private pages of files" },
	{ "huge_breaks", "huge pages", "write faults on them" },
	{ "huge_splits", "huge splits", "of these: split, to copy small pages" },
	{ "huge_split_bytes", "split", "of them" },
	{ "huge_zero_writes", "huge zero page", "first writes to it" },
	{ "huge_zero_bytes", "replaced", "of it, by huge pages" },
	{ "hugetlb_copies", "hugetlb", "copies of its pages" },
	{ "hugetlb_bytes_copied", "hugetlb copied", "by these" },
	{ "forks", "forks", "children made" },
	{ "page_table_bytes_copied", "page tables", "that forks copied" },
	{ "bytes_copied", "copied", "by copies, first writes to files, hugetlb" },
	{ "children_lost", "children lost", "not counted: too many at once" },
	{ "probes_missed", "missed", "hits that the kernel did not let count" },
};

_Static_assert(ARRAY_SIZE(ends_keys) == ENDS_KEYS, "one for each");

static void add(struct ends *ends, struct end *end, const char *key, uint64_t value)
{
	for (size_t i = 0; i < ENDS_KEYS; i++) {
		if (strcmp(key, ends_keys[i].key))
			continue;
		end->counts.value[i] = value;
		end->counts.known[i] = true;
		/* Not of the process: of all probes since the first was tracked. */
		if (!strcmp(key, "probes_missed"))
			ends->sum.value[i] = value;
		else
			ends->sum.value[i] += value;
		ends->sum.known[i] = true;
	}
}

static struct ends_place *find_place(struct ends *ends, const char *name)
{
	struct ends_place *place;

	for (size_t i = 0; i < ends->nr_places; i++)
		if (!strcmp(ends->place[i].name, name))
			return &ends->place[i];
	if (ends->nr_places == ENDS_PLACES - 1 && strcmp(name, OTHERS))
		return find_place(ends, OTHERS);
	place = &ends->place[ends->nr_places++];
	snprintf(place->name, sizeof(place->name), "%s", name);
	return place;
}

static struct end *begin(struct ends *ends, pid_t pid)
{
	if (!ends->end || ends->nr == ends->room) {
		size_t room = ends->room ? 2 * ends->room : 16;
		struct end *more = realloc(ends->end, room * sizeof(*more));

		if (!more)
			return NULL;
		ends->end = more;
		ends->room = room;
	}
	ends->end[ends->nr] = (struct end){ .pid = pid };
	return &ends->end[ends->nr++];
}

int ends_parse(struct ends *ends, char *text, pid_t program)
{
	struct end *end = ends->nr ? &ends->end[ends->nr - 1] : NULL;
	struct ends_place *place = NULL;
	char *next, *value;

	for (; (next = strchr(text, '\n')); text = next + 1) {
		*next = '\0';
		value = strchr(text, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(text, "process")) {
			end = begin(ends, atoi(value));
			if (!end)
				return -ENOMEM;
			ends->whole |= end->pid == program;
		} else if (!end) {
			continue;
		} else if (!strcmp(text, "comm")) {
			snprintf(end->comm, sizeof(end->comm), "%s", value);
			message_clean(end->comm);
		} else if (!strcmp(text, "place_name")) {
			message_clean(value);
			place = find_place(ends, value);
		} else if (place && !strcmp(text, "place_copies")) {
			place->copies += strtoull(value, NULL, 10);
		} else if (place && !strcmp(text, "place_bytes")) {
			place->bytes += strtoull(value, NULL, 10);
		} else {
			add(ends, end, text, strtoull(value, NULL, 10));
		}
	}
	return 0;
}

void ends_fini(struct ends *ends)
{
	free(ends->end);
	*ends = (struct ends){ 0 };
}
