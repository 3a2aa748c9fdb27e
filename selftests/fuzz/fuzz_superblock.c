// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first block of a swap area, which may be a device that somebody else wrote.  Input: how
 * large the area is, what of magic, version and checksum is set right, then the block.
 */
#include "swap/superblock.h"

#include <endian.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "fuzz.h"
#include "swap/area.h"

enum {
	RIGHT_MAGIC = 1,
	RIGHT_VERSION = 2,
	RIGHT_CHECKSUM = 4,
};

static void check(const struct superblock *sb, uint64_t area_bytes)
{
	uint8_t block[SUPERBLOCK_BYTES];
	struct superblock again;

	require(sb->version == SUPERBLOCK_VERSION);
	require(sb->nr_slots >= AREA_SLOTS_MIN && sb->nr_slots <= area_bytes >> PAGE_SHIFT);
	require(memchr(sb->label, '\0', sizeof(sb->label)));
	superblock_encode(sb, block);
	require(!superblock_decode(&again, block, area_bytes));
	require(again.nr_slots == sb->nr_slots && !memcmp(again.uuid, sb->uuid, sizeof(sb->uuid)));
	require(!strcmp(again.label, sb->label));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint64_t area_bytes = input_u64(&in);
	uint8_t right = input_u8(&in);
	struct superblock_disk disk;
	uint8_t block[SUPERBLOCK_BYTES];
	struct superblock sb;

	input_bytes(&in, &disk, sizeof(disk));
	if (right & RIGHT_MAGIC)
		memcpy(disk.magic, SUPERBLOCK_MAGIC, sizeof(disk.magic));
	if (right & RIGHT_VERSION)
		disk.version = htole32(SUPERBLOCK_VERSION);
	if (right & RIGHT_CHECKSUM)
		disk.checksum =
			htole64(XXH3_64bits(&disk, offsetof(struct superblock_disk, checksum)));
	memcpy(block, &disk, sizeof(block));
	if (!superblock_decode(&sb, block, area_bytes))
		check(&sb, area_bytes);
	return 0;
}
