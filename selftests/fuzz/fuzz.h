/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_FUZZ_H
#define UPAGER_SELFTESTS_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What every fuzzer has: an input that is read from the front, and something to insist on. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(truth)           \
	do {                     \
		if (!(truth))    \
			abort(); \
	} while (0)

struct input {
	const uint8_t *at;
	size_t left;
};

/* Zeros from where it ends. */
static inline void input_bytes(struct input *in, void *to, size_t bytes)
{
	size_t n = bytes < in->left ? bytes : in->left;

	memset(to, 0, bytes);
	memcpy(to, in->at, n);
	in->at += n;
	in->left -= n;
}

static inline uint8_t input_u8(struct input *in)
{
	uint8_t v;

	input_bytes(in, &v, sizeof(v));
	return v;
}

static inline uint32_t input_u32(struct input *in)
{
	uint32_t v;

	input_bytes(in, &v, sizeof(v));
	return v;
}

static inline uint64_t input_u64(struct input *in)
{
	uint64_t v;

	input_bytes(in, &v, sizeof(v));
	return v;
}

#endif
