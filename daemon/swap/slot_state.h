/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SLOT_STATE_H
#define UPAGER_SLOT_STATE_H

#include <stdint.h>

#include "swap/superblock.h"

/*
 * The file slots.<n> of one area in the state directory, mapped shared:
 *
 *   page 0     struct slot_state_header
 *   then       uint64_t checksum[nr_slots], uint16_t refs[nr_slots]
 *
 * Native byte order: it never leaves the machine.  Every block is allocated
 * when it is opened, so a later store cannot raise SIGBUS.
 */
#define SLOT_STATE_MAGIC   "UPAGSLOT" /* 8 bytes; stored last, so a header with it is complete */
#define SLOT_STATE_VERSION 1

struct slot_state_header {
	uint64_t magic;
	uint32_t version;
	uint32_t zero;
	uint8_t uuid[16]; /* of the area */
	uint64_t nr_slots;
	uint64_t secret; /* of slot_hash(): nobody outside can make a page that matches */
};

struct slot_state {
	struct slot_state_header *header;
	uint64_t *checksum;
	uint16_t *refs;
	uint64_t nr_slots;
	uint64_t bytes;
};

/*
 * Opens, or makes, the file of area number @n.  -ESTALE when it belongs to
 * another area and has slots in use; -EBADMSG no such file or damaged,
 * -EPROTONOSUPPORT another version; the reason is logged.
 */
int slot_state_open(struct slot_state *st, int state_dir_fd, uint32_t n,
		    const struct superblock *sb);
void slot_state_close(struct slot_state *st);
/* Removes the files of all areas: nobody has pages in them. */
void slot_state_forget(int state_dir_fd);

#endif
