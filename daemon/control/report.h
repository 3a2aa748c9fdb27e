/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_REPORT_H
#define UPAGER_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A report of the module, as /proc/upager/query answers it: `key value` lines,
 * sorted into the groups of uapi/upager.h.  A key that is not known here belongs
 * to the group, and to the hole or object, of the line before it.
 */
enum report_group {
	REPORT_PROCESS,
	REPORT_HOLES,
	REPORT_LIBS,
	REPORT_COW,
	REPORT_PAGING,
	REPORT_GROUPS,
};

struct report_line {
	const char *key;
	const char *value; /* names without their escapes */
	enum report_group group;
	uint32_t item; /* of the group's list, from 1; 0: of the group itself */
	bool is_number;
	uint64_t number;
};

struct report {
	char *text;
	struct report_line *line;
	size_t nr_lines;
	struct {
		size_t *at; /* where each begins */
		uint32_t nr;
	} items[REPORT_GROUPS];
};

/*
 * Reads a copy of text.  -EBADMSG: cut off, or no such lines; -EPROTONOSUPPORT:
 * of another version; -ENOMEM.
 */
int report_parse(struct report *r, const char *text, size_t bytes);
void report_fini(struct report *r);

/*
 * Adds lines with numbers to the items of a group: values has nr_keys for each of them, known
 * whether they are.  Keys must outlive the report.  0 or -ENOMEM, and then it is as it was.
 */
int report_add(struct report *r, enum report_group group, const char *const *keys, size_t nr_keys,
	       const uint64_t *values, const bool *known);

/* NULL: there is no such line. */
const struct report_line *report_find(const struct report *r, enum report_group group,
				      uint32_t item, const char *key);
/* 0 if there is none, or it is no number. */
uint64_t report_number(const struct report *r, enum report_group group, uint32_t item,
		       const char *key);
/* "" if there is none. */
const char *report_text(const struct report *r, enum report_group group, uint32_t item,
			const char *key);

#endif
