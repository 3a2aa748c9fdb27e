/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STATE_HEADER_FORMAT_H
#define UPAGER_STATE_HEADER_FORMAT_H

#include <stdint.h>

#define STATE_MAGIC   0x5453544741505055ULL /* "UPPAGTST" */
/*
 * Of all files of the state directory together: page entries, tables, events,
 * space records, hints, posts and writes.  One more with every change of any of them.
 */
#define STATE_VERSION 5
#define STATE_AREAS   16

enum state_area {
	STATE_AREA_GIVEN, /* at the start: the next daemon is to be given it, too */
	STATE_AREA_ADDED, /* later: the next daemon knows it by itself */
	STATE_AREA_GONE, /* let go of: its slot numbers are nobody's */
};

/*
 * The file "header" of the state directory.  Descriptors are numbers in the
 * table that a daemon shares with its keeper; each next daemon has them at the
 * same numbers.  The magic is stored last.
 */
struct state_header {
	_Atomic uint64_t magic;
	uint32_t version;
	uint32_t nr_spaces;
	uint32_t nr_events; /* of a space */
	int32_t lock_fd; /* of the directory */
	_Atomic int32_t listen_fd; /* -1: none yet */
	_Atomic uint32_t nr_ids; /* above all ids of spaces that were ever used */
	uint32_t nr_areas;
	uint32_t zero;
	struct {
		uint8_t uuid[16];
		int32_t fd;
		_Atomic uint32_t kind; /* enum state_area: stored last */
		uint64_t span; /* struct area's */
		int32_t priority;
		uint32_t zero;
		char path[256]; /* as it was given, for who reads an error */
	} area[STATE_AREAS];
	uint64_t reserved[13];
};

_Static_assert(sizeof(struct state_header) == 4880, "fixed layout");

#endif
