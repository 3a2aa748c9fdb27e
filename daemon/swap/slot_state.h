/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SLOT_STATE_H
#define UPAGER_SLOT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "swap/superblock.h"

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

struct slot_state {
	struct slot_state_header *header;
	struct slot_chunk *chunk;
	uint64_t nr_slots;
	uint64_t nr_chunks;
	uint64_t bytes;
	int fd;
	int dir_fd;
};

/*
 * Opens, or makes, the file of area number @n.  -ESTALE when it belongs to
 * another area and has slots in use; -EBADMSG no such file or damaged,
 * -EPROTONOSUPPORT another version; the reason is logged.
 */
int slot_state_open(struct slot_state *st, int state_dir_fd, uint32_t n,
		    const struct superblock *sb);
/* The first chunk at or after @chunk that is backed, or nr_chunks. */
uint64_t slot_state_next(const struct slot_state *st, uint64_t chunk);
/* Zeros, with room for all of it; -ENOSPC. */
int slot_state_back(struct slot_state *st, uint64_t chunk);
/* Whether more may be. */
bool slot_state_has_space(const struct slot_state *st);
void slot_state_give_back(struct slot_state *st, uint64_t chunk);
void slot_state_close(struct slot_state *st);
/* Removes the files of all areas: nobody has pages in them. */
void slot_state_forget(int state_dir_fd);

#endif
