/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SLOT_STATE_FORMAT_H
#define UPAGER_SLOT_STATE_FORMAT_H

#include <stdint.h>

/*
 * The file slots.<n> of one area in the state directory, mapped shared:
 *
 *   page 0     struct slot_state_header
 *   then       struct slot_chunk for every 2048 slots, the last one whole
 *
 * Native byte order: it never leaves the machine.  A chunk takes room from when
 * it is backed until it is given back, and nobody touches it otherwise: a store
 * where there is no room would raise SIGBUS.
 */
#define SLOT_STATE_MAGIC   "UPAGSLOT" /* 8 bytes; stored last, so a header with it is complete */
#define SLOT_STATE_VERSION 2

struct slot_state_header {
	uint64_t magic;
	uint32_t version;
	uint32_t zero;
	uint8_t uuid[16]; /* of the area */
	uint64_t nr_slots;
	uint64_t secret; /* of slot_hash(): nobody outside can make a page that matches */
};

#define SLOT_CHUNK_SLOTS 2048

struct slot_chunk {
	uint64_t checksum[SLOT_CHUNK_SLOTS];
	uint16_t refs[SLOT_CHUNK_SLOTS];
};

_Static_assert(sizeof(struct slot_state_header) == 48, "fixed layout");
_Static_assert(sizeof(struct slot_chunk) == 10 * SLOT_CHUNK_SLOTS, "fixed layout");

#endif
