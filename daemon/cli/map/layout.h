/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_LAYOUT_H
#define UPAGER_MAP_LAYOUT_H

#include "cli/map/model.h"

/*
 * A map cut into what is drawn as one piece each, from the highest address down.  Together they
 * are the whole address space: each ends where the one before it begins.
 */
struct map_item {
	uint64_t start;
	uint64_t end;
	uint32_t first; /* region; of several, the lowest */
	uint32_t nr_regions; /* 0: a hole */
	enum map_kind kind; /* of the largest part */
	bool for_heap; /* a hole that the heap, or the stack, can grow into */
	bool for_stack;
};

struct map_layout {
	struct map_item *item;
	uint32_t nr;
};

/* The parts of an object that nothing parts are one piece, and mappings that are alike.  0 or -ENOMEM. */
int map_layout_init(struct map_layout *l, const struct map *m);
void map_layout_fini(struct map_layout *l);

/* The scale of the pictures: doublings of a page; 0 for one page. */
double map_log(uint64_t bytes);
/* Of an item from 1 to max, by its size on that scale; never more than its pages. */
uint32_t map_item_length(const struct map *m, const struct map_item *item, uint32_t max);

/*
 * Cuts an item into nr equal parts, from low addresses to high; part[i] gets the pages in each
 * state, which are fractions where a part is smaller than what is known.
 */
struct map_part {
	double pages[MAP_STATES];
	enum map_kind kind; /* of the region that most of it is in */
	enum map_segment segment;
};
void map_item_parts(const struct map *m, const struct map_item *item, struct map_part *part,
		    uint32_t nr);
/* The state that a part is drawn in if it is drawn in one: touched before untouched. */
enum map_state map_part_state(const struct map_part *part);
/* How much of it is resident, 0 to 1. */
double map_part_resident(const struct map_part *part);

/* What is written beside an item. */
void map_item_title(const struct map *m, const struct map_item *item, char *buf, size_t len);
void map_item_note(const struct map *m, const struct map_item *item, char *buf, size_t len);
void map_item_sum(const struct map *m, const struct map_item *item, struct map_sum *sum);

#endif
