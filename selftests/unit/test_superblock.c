// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "swap/superblock.h"

#define AREA_BYTES (1000 * 4096ULL)

static const struct superblock sample = {
	.uuid = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
	.label = "fast disk",
	.nr_slots = 1000,
	.version = SUPERBLOCK_VERSION,
};

static void test_round_trip(void **state)
{
	uint8_t block[SUPERBLOCK_BYTES];
	struct superblock sb;

	(void)state;
	superblock_encode(&sample, block);
	assert_int_equal(superblock_decode(&sb, block, AREA_BYTES), 0);
	assert_memory_equal(sb.uuid, sample.uuid, sizeof(sb.uuid));
	assert_string_equal(sb.label, sample.label);
	assert_int_equal(sb.nr_slots, sample.nr_slots);
	assert_int_equal(sb.version, SUPERBLOCK_VERSION);
}

static void test_full_label(void **state)
{
	struct superblock sb = sample, back;
	uint8_t block[SUPERBLOCK_BYTES];

	(void)state;
	memset(sb.label, 'x', SUPERBLOCK_LABEL_BYTES);
	superblock_encode(&sb, block);
	memset(&back, 0xff, sizeof(back));
	assert_int_equal(superblock_decode(&back, block, AREA_BYTES), 0);
	assert_string_equal(back.label, sb.label);
	assert_int_equal(strlen(back.label), SUPERBLOCK_LABEL_BYTES);
}

/* The format on the device, byte by byte: a change of it needs a new version. */
static void test_layout(void **state)
{
	static const uint8_t head[] = { 'U', 'P', 'A', 'G', 'E', 'R', 'S', 'W', 1,  0,	0,
					0,   0,	  0,   0,   0,	 1,   2,   3,	4,  5,	6,
					7,   8,	  9,   10,  11,	 12,  13,  14,	15, 16, 'f',
					'a', 's', 't', ' ', 'd', 'i', 's', 'k' };
	static const uint8_t nr_slots[] = { 0xe8, 0x03, 0, 0, 0, 0, 0, 0 };
	static const uint8_t checksum[] = {
		0xfd, 0x27, 0x77, 0xbc, 0x52, 0x9e, 0x10, 0x30,
	};
	uint8_t block[SUPERBLOCK_BYTES];

	(void)state;
	superblock_encode(&sample, block);
	assert_memory_equal(block, head, sizeof(head));
	assert_memory_equal(block + 64, nr_slots, sizeof(nr_slots));
	assert_memory_equal(block + 4088, checksum, sizeof(checksum));
}

static void test_every_bit_counts(void **state)
{
	uint8_t block[SUPERBLOCK_BYTES];
	struct superblock sb;

	(void)state;
	superblock_encode(&sample, block);
	for (size_t bit = 0; bit < 8 * sizeof(block); bit++) {
		int wanted = bit < 64 ? -EINVAL : bit < 96 ? -EPROTONOSUPPORT : -EBADMSG;

		block[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(superblock_decode(&sb, block, AREA_BYTES), wanted);
		block[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(superblock_decode(&sb, block, AREA_BYTES), 0);
}

static void test_foreign(void **state)
{
	uint8_t block[SUPERBLOCK_BYTES] = { 0 };
	struct superblock sb;

	(void)state;
	assert_int_equal(superblock_decode(&sb, block, AREA_BYTES), -EINVAL);
	memset(block, 0xff, sizeof(block));
	assert_int_equal(superblock_decode(&sb, block, AREA_BYTES), -EINVAL);
}

static int decode_slots(uint64_t nr_slots, uint64_t area_bytes)
{
	uint8_t block[SUPERBLOCK_BYTES];
	struct superblock sb = sample;

	sb.nr_slots = nr_slots;
	superblock_encode(&sb, block);
	return superblock_decode(&sb, block, area_bytes);
}

static void test_size_must_fit(void **state)
{
	(void)state;
	assert_int_equal(decode_slots(1000, AREA_BYTES), 0);
	assert_int_equal(decode_slots(1000, AREA_BYTES + 4095), 0);
	assert_int_equal(decode_slots(1000, 2 * AREA_BYTES), 0);
	assert_int_equal(decode_slots(1000, AREA_BYTES - 1), -ERANGE);
	assert_int_equal(decode_slots(AREA_SLOTS_MIN, AREA_BYTES), 0);
	assert_int_equal(decode_slots(AREA_SLOTS_MIN - 1, AREA_BYTES), -ERANGE);
	/* Times 4096 it would be 4096 again. */
	assert_int_equal(decode_slots((1ULL << 52) + 1, AREA_BYTES), -ERANGE);
	assert_int_equal(decode_slots(UINT64_MAX, AREA_BYTES), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_full_label),
		cmocka_unit_test(test_layout),	   cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_foreign),	   cmocka_unit_test(test_size_must_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
