/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_PICTURE_H
#define UPAGER_TOUR_PICTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The map of a process for steps, which make mappings: map/model.h and <sys/mman.h> have names in
 * common.
 */
struct map;

/* NULL after one line on stderr. */
struct map *picture_take(pid_t pid);
void picture_free(struct map *m);

uint32_t picture_holes(const struct map *m);
uint64_t picture_largest_hole(const struct map *m);
uint64_t picture_space_bytes(const struct map *m);
uint64_t picture_mapped_bytes(const struct map *m);
/* Where the program or library is whose path holds text; false: there is none. */
bool picture_object(const struct map *m, const char *text, uint64_t *start, uint64_t *end);

#endif
