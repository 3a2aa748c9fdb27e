// SPDX-License-Identifier: GPL-2.0-only
#include "swap/superblock.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/types.h"

static uint64_t block_checksum(const struct superblock_disk *disk)
{
	return XXH3_64bits(disk, offsetof(struct superblock_disk, checksum));
}

void superblock_encode(const struct superblock *sb, uint8_t block[SUPERBLOCK_BYTES])
{
	struct superblock_disk disk = { 0 };

	memcpy(disk.magic, SUPERBLOCK_MAGIC, sizeof(disk.magic));
	disk.version = htole32(sb->version);
	memcpy(disk.uuid, sb->uuid, sizeof(disk.uuid));
	memcpy(disk.label, sb->label, strnlen(sb->label, sizeof(disk.label)));
	disk.nr_slots = htole64(sb->nr_slots);
	disk.checksum = htole64(block_checksum(&disk));
	memcpy(block, &disk, sizeof(disk));
}

int superblock_decode(struct superblock *sb, const uint8_t block[SUPERBLOCK_BYTES],
		      uint64_t area_bytes)
{
	struct superblock_disk disk;

	memcpy(&disk, block, sizeof(disk));
	if (memcmp(disk.magic, SUPERBLOCK_MAGIC, sizeof(disk.magic)))
		return -EINVAL;
	if (le32toh(disk.version) != SUPERBLOCK_VERSION)
		return -EPROTONOSUPPORT;
	if (le64toh(disk.checksum) != block_checksum(&disk))
		return -EBADMSG;

	*sb = (struct superblock){ .version = le32toh(disk.version),
				   .nr_slots = le64toh(disk.nr_slots) };
	memcpy(sb->uuid, disk.uuid, sizeof(sb->uuid));
	memcpy(sb->label, disk.label, sizeof(disk.label));
	if (sb->nr_slots < AREA_SLOTS_MIN || sb->nr_slots > area_bytes >> PAGE_SHIFT)
		return -ERANGE;
	return 0;
}
