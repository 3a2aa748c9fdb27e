/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SLOT_STATE_H
#define UPAGER_SLOT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "swap/slot_state_format.h"
#include "swap/superblock.h"

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
/* Removes the file of one area. */
void slot_state_remove(int state_dir_fd, uint32_t n);
/* Removes the files of all areas: nobody has pages in them. */
void slot_state_forget(int state_dir_fd);

#endif
