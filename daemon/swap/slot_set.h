/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SLOT_SET_H
#define UPAGER_SLOT_SET_H

#include <stdbool.h>
#include <stdint.h>

#define SLOT_SET_LEVELS 6 /* 64^6 members: the extents of 2^42 slots */
#define SLOT_SET_MAX	(1ULL << (6 * SLOT_SET_LEVELS))
#define SLOT_SET_NONE	UINT64_MAX

/*
 * A set of extent numbers: a bitmap, over it a bitmap of its words that are not
 * zero, and so on, so that the next member is found in a few steps however
 * large the area is.
 */
struct slot_set {
	uint64_t nr_max; /* members are below it */
	uint32_t nr_levels;
	uint64_t *level[SLOT_SET_LEVELS]; /* level[0] has a bit per member */
};

int slot_set_init(struct slot_set *set, uint64_t nr_max);
void slot_set_fini(struct slot_set *set);
void slot_set_add(struct slot_set *set, uint64_t n);
void slot_set_del(struct slot_set *set, uint64_t n);
bool slot_set_has(const struct slot_set *set, uint64_t n);
/* The smallest member >= from, else the smallest of all, else SLOT_SET_NONE. */
uint64_t slot_set_next(const struct slot_set *set, uint64_t from);

#endif
