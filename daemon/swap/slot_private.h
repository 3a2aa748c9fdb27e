/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SLOT_PRIVATE_H
#define UPAGER_SLOT_PRIVATE_H

#include "swap/slot.h"
#include "swap/slot_extent.h"
#include "swap/slot_rank.h"
#include "swap/slot_state.h"

struct slots {
	pthread_mutex_t lock; /* extents, ranks, and every change of a reference count */
	struct area *areas;
	uint32_t nr_areas;
	uint32_t nr_ranks;
	bool recounting;
	struct slot_state state[AREAS_MAX];
	struct slot_extents extents[AREAS_MAX];
	struct slot_rank rank[AREAS_MAX]; /* highest priority first */
};

/* What there is of an area besides its numbers: made, and undone.  closed: none is given out. */
int slots_area_begin(struct slots *slots, uint32_t a, bool closed, int state_dir_fd);
void slots_area_end(struct slots *slots, uint32_t a);

/* A chunk that is bare is not, from now on; false: there is none, or no room for it. */
bool slots_back_chunk(struct slots *slots, uint32_t a, uint64_t chunk);
/* Until so many extents are whole, or nothing is bare. */
void slots_back_ahead(struct slots *slots, uint32_t a, uint64_t want);
/* The same of all areas, as many as are to be ahead of use. */
void slots_back_some(struct slots *slots);

#endif
