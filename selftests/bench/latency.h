// SPDX-License-Identifier: GPL-2.0-only
/* How long the accesses of the pattern program took. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

/* Eight buckets to each power of two. */
#define STEPS	 8u
#define BUCKETS	 (64 * STEPS)
#define LOG2_MAX 48

struct latency {
	uint64_t max_ns;
	uint64_t histogram[BUCKETS];
};

static void latency_add(struct latency *l, uint64_t ns)
{
	unsigned int log2 = 63 - (unsigned int)__builtin_clzll(ns | STEPS);
	unsigned int bucket = (log2 << 3) + (unsigned int)(ns >> (log2 - 3) & (STEPS - 1));

	l->histogram[bucket]++;
	if (ns > l->max_ns)
		l->max_ns = ns;
}

/* What the bucket ends with. */
static uint64_t bucket_end_ns(unsigned int bucket)
{
	unsigned int log2 = bucket / STEPS;

	return (STEPS + bucket % STEPS + 1) << (log2 - 3);
}

static void latency_merge(struct latency *sum, const struct latency *l)
{
	for (unsigned int i = 0; i < BUCKETS; i++)
		sum->histogram[i] += l->histogram[i];
	sum->max_ns = l->max_ns > sum->max_ns ? l->max_ns : sum->max_ns;
}

/* How many took from 2 to the power of log2 nanoseconds, up to the next. */
static uint64_t latency_log2(const struct latency *l, unsigned int log2)
{
	uint64_t sum = 0;

	for (unsigned int step = 0; step < STEPS; step++)
		sum += l->histogram[log2 * STEPS + step];
	return sum;
}

/* An upper bound, at most an eighth too high. */
static uint64_t latency_percentile_ns(const struct latency *l, uint64_t total, double share)
{
	uint64_t seen = 0;

	for (unsigned int i = 0; i < BUCKETS; i++) {
		seen += l->histogram[i];
		if (seen && (double)seen >= share * (double)total)
			return bucket_end_ns(i) < l->max_ns ? bucket_end_ns(i) : l->max_ns;
	}
	return 0;
}

#endif
