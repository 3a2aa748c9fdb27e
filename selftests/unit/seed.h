/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SEED_H
#define UPAGER_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The seed of a random test: SEED=N in the environment repeats a run. */
static inline uint64_t seed_start(const char *test)
{
	const char *text = getenv("SEED");
	struct timespec ts;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &ts);
	seed = (uint64_t)ts.tv_nsec ^ (uint64_t)ts.tv_sec << 20;
	if (text)
		seed = strtoull(text, NULL, 10);
	seed = (seed & UINT32_MAX) | 1;
	fprintf(stderr, "# %s: SEED=%llu\n", test, (unsigned long long)seed);
	return seed;
}

/* xorshift64* */
static inline uint64_t seed_next(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1dULL >> 16;
}

static inline uint32_t seed_below(uint64_t *seed, uint32_t limit)
{
	return (uint32_t)(seed_next(seed) % limit);
}

#endif
