/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_PAGE_H
#define UPAGER_TOUR_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map; /* map/model.h; see picture.h */

/*
 * What a step has to say, in order: text, tables of what was measured, pictures, commands.  Terminal,
 * JSON and HTML are made from it.
 */

enum tour_unit {
	TOUR_COUNT,
	TOUR_FLAG, /* 0 or 1 */
	TOUR_BYTES,
	TOUR_PAGES,
	TOUR_NS,
	TOUR_PER_S,
	TOUR_PERCENT,
};

/* Something measured.  Of a name there is one in a step. */
struct tour_value {
	const char *name; /* a constant; NULL: it was not measured, shown as - */
	double value;
	enum tour_unit unit;
};

#define TOUR_CELLS_MAX 4
#define TOUR_NO_BAR    TOUR_CELLS_MAX
#define TOUR_PARTS     48 /* of a picture */

enum tour_kind {
	TOUR_TEXT,
	TOUR_TABLE, /* the heading of the rows behind it */
	TOUR_ROW,
	TOUR_STRIP,
	TOUR_COMMAND,
	TOUR_MORE,
};

struct tour_strip {
	uint64_t resident_bytes;
	uint32_t nr_parts;
	struct {
		uint8_t state; /* enum map_state */
		uint8_t kind; /* enum map_kind */
		bool little; /* less than half of it is resident */
	} part[TOUR_PARTS];
};

struct tour_item {
	enum tour_kind kind;
	char *text; /* or the label of a row */
	uint32_t nr;
	const char *heading[TOUR_CELLS_MAX];
	struct tour_value value[TOUR_CELLS_MAX];
	uint32_t bar; /* the value that is drawn, or TOUR_NO_BAR */
	struct tour_strip strip;
};

struct tour_page {
	const char *name;
	const char *title;
	uint64_t size_bytes; /* that the caller wishes a program to have; 0: the step chooses */
	struct tour_item *item;
	uint32_t nr_items;
	char *skipped; /* why nothing was measured, or NULL */
	int err; /* of the adding; nothing is added after it */
};

void tour_page_fini(struct tour_page *p);

__attribute__((format(printf, 2, 3))) void tour_text(struct tour_page *p, const char *fmt, ...);
/* Headings of constants. */
void tour_table(struct tour_page *p, const char *label, uint32_t nr, const char *const *heading);
void tour_row(struct tour_page *p, const char *label, uint32_t nr, const struct tour_value *value,
	      uint32_t bar);
/* A row of one value in a table without headings. */
void tour_value(struct tour_page *p, const char *name, double value, enum tour_unit unit,
		const char *label);
/* What is where of a range of a map. */
void tour_strip(struct tour_page *p, const char *label, const struct map *m, uint64_t start,
		uint64_t end);
/* A line for a shell that does by hand what was measured; those of a step are for one shell. */
void tour_command(struct tour_page *p, const char *line);
/* What root, the module or the pager would add. */
__attribute__((format(printf, 2, 3))) void tour_more(struct tour_page *p, const char *fmt, ...);
/* Returns 0, for a step to end with. */
__attribute__((format(printf, 2, 3))) int tour_skip(struct tour_page *p, const char *fmt, ...);

const char *tour_unit_name(enum tour_unit unit);
/* A value for people: into buf. */
void tour_format(const struct tour_value *value, char *buf, size_t len);
/* Of the bar of a row, 0 to 1: as a part of the longest in its table. */
double tour_bar_part(const struct tour_page *p, uint32_t row);

#endif
