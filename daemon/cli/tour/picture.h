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
/* What the program and its libraries are, and what of it is in memory. */
void picture_files(const struct map *m, uint64_t *mapped_bytes, uint64_t *resident_bytes);
/* What has a name, as /proc shows it, from the first mapping to the last; false: nothing has it. */
bool picture_named(const struct map *m, const char *name, uint64_t *start, uint64_t *end);
/* From where a mapping ends to the next, and from the one before to where it begins. */
uint64_t picture_hole_above(const struct map *m, uint64_t address);
uint64_t picture_hole_below(const struct map *m, uint64_t address);
/* Where the program or library is whose path holds text; false: there is none. */
bool picture_object(const struct map *m, const char *text, uint64_t *start, uint64_t *end);

#endif
