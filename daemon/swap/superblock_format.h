/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SUPERBLOCK_FORMAT_H
#define UPAGER_SUPERBLOCK_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Block 0 of a swap area: little-endian, fixed offsets, one 4 KiB page.
 * Slot n of the area is the page at byte offset n * 4096; slot 0 is this block.
 */
#define SUPERBLOCK_BYTES       4096
#define SUPERBLOCK_MAGIC       "UPAGERSW" /* 8 bytes, no terminator */
#define SUPERBLOCK_VERSION     1
#define SUPERBLOCK_LABEL_BYTES 32

/* The block as it is on the device. */
struct superblock_disk {
	uint8_t magic[8];
	uint32_t version;
	uint32_t zero;
	uint8_t uuid[16];
	uint8_t label[SUPERBLOCK_LABEL_BYTES]; /* zero-padded, not terminated when full */
	uint64_t nr_slots;
	uint8_t reserved[SUPERBLOCK_BYTES - 80];
	uint64_t checksum; /* XXH3 over all before it */
};

_Static_assert(sizeof(struct superblock_disk) == SUPERBLOCK_BYTES, "a superblock is one block");
_Static_assert(offsetof(struct superblock_disk, version) == 8, "fixed offset");
_Static_assert(offsetof(struct superblock_disk, uuid) == 16, "fixed offset");
_Static_assert(offsetof(struct superblock_disk, label) == 32, "fixed offset");
_Static_assert(offsetof(struct superblock_disk, nr_slots) == 64, "fixed offset");
_Static_assert(offsetof(struct superblock_disk, checksum) == 4088, "fixed offset");

#endif
