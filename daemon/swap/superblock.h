/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SUPERBLOCK_H
#define UPAGER_SUPERBLOCK_H

#include <stdint.h>

#include "swap/superblock_format.h"

#define AREA_SLOTS_MIN 8 /* including slot 0 */

struct superblock {
	uint8_t uuid[16];
	char label[SUPERBLOCK_LABEL_BYTES + 1];
	uint64_t nr_slots; /* area size / 4096, slot 0 included */
	uint32_t version;
};

/* Builds the 4 KiB block, its checksum (XXH3 over the rest) included. */
void superblock_encode(const struct superblock *sb, uint8_t block[SUPERBLOCK_BYTES]);

/*
 * -EINVAL no magic (not a upager swap area), -EPROTONOSUPPORT another format
 * version, -EBADMSG checksum wrong, -ERANGE nr_slots does not fit area_bytes.
 */
int superblock_decode(struct superblock *sb, const uint8_t block[SUPERBLOCK_BYTES],
		      uint64_t area_bytes);

#endif
