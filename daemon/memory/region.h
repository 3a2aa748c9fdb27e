/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_REGION_H
#define UPAGER_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

/*
 * What is registered in an address space, as far as the daemon knows: sorted,
 * disjoint page ranges.  A hint, not the truth: the program may have unmapped
 * or grown a mapping an instant ago; events and rescans correct it.  Protected
 * by the space's lock.
 */
enum region_hint {
	REGION_PLAIN,
	REGION_COLD, /* its pages are the next victims, once */
	REGION_SEQUENTIAL,
	REGION_RANDOM,
	REGION_PINNED, /* never a victim */
};

struct region {
	pgno_t first;
	pgno_t end;
	bool fixed; /* its pages could not be moved out (e.g. locked): no victim for now */
	enum region_hint hint;
};

struct regions {
	struct region *at;
	uint32_t nr;
	uint32_t max;
	uint64_t nr_pages;
	bool any_cold; /* one may have REGION_COLD */
};

void regions_init(struct regions *rs);
void regions_fini(struct regions *rs);
int regions_copy(struct regions *to, const struct regions *from);

/* Knows nothing any more; never fails. */
void regions_forget(struct regions *rs);

/* Region that contains pg, or NULL. */
struct region *region_find(const struct regions *rs, pgno_t pg);
/* First region that ends after pg, or NULL. */
struct region *region_next(const struct regions *rs, pgno_t pg);
/* Adds [first, end), merging; -ENOMEM.  Parts already known keep their flags. */
int region_add(struct regions *rs, pgno_t first, pgno_t end);
/* Whether all of [first, end) is known. */
bool region_covers(const struct regions *rs, pgno_t first, pgno_t end);
/*
 * Gives what is known of [first, end) a hint; PINNED stays until PLAIN.
 * -ENOMEM: nothing changed, or there would be too many regions.
 */
int region_hint(struct regions *rs, pgno_t first, pgno_t end, enum region_hint hint);
/* Pages with that hint. */
uint64_t regions_hinted(const struct regions *rs, enum region_hint hint);
/*
 * [from, from + nr_pages) is at to now, with its hints, and no longer at from.
 * -ENOMEM: some or all of it is known at neither place.
 */
int region_move(struct regions *rs, pgno_t from, pgno_t to, uint64_t nr_pages);
/* Cuts [first, end) out. -ENOMEM when a split finds no room (nothing changed). */
int region_cut(struct regions *rs, pgno_t first, pgno_t end);
/* Marks what is known of [first, end) as fixed. -ENOMEM: nothing changed. */
int region_fix(struct regions *rs, pgno_t first, pgno_t end);
/* None is fixed any more: what was locked or read-only may have changed. Whether one was. */
bool regions_unfix(struct regions *rs);

#endif
