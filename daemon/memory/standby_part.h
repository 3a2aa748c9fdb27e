/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STANDBY_PART_H
#define UPAGER_STANDBY_PART_H

#include <stdint.h>

#include "base/types.h"

/*
 * Places of a standby pool that came at once: a mapping of their part of its
 * memfd, and who has them.  A part never moves and never changes its size, so
 * what is in flight on one does not mind that others come and go.
 */
struct standby_part {
	uint32_t first;
	uint32_t nr_places;
	uint8_t *map;
	uint8_t *state; /* enum place_state per place */
	pgno_t *page; /* owner, where not FREE or ORPHAN */
	int buffer; /* of the ring; -1: none */
};

/* Places [first, first + nr_places) of the pool, all FREE. */
int standby_part_new(int fd, uint32_t first, uint32_t nr_places, struct standby_part **part);
void standby_part_free(struct standby_part *part); /* or NULL */
/*
 * Has memory for all of it, so that the agent's write cannot fail for want of
 * some.  By way of the mapping: fallocate() would wait for whatever the program
 * makes the agent do to the file meanwhile.
 */
int standby_part_populate(const struct standby_part *part);

#endif
