/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HISTOGRAM_H
#define UPAGER_HISTOGRAM_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Histograms of struct upager_record: bucket n counts [2^n, 2^(n+1)) ns, the
 * last one everything longer too.
 */

#define HISTOGRAM_TEXT_BYTES 16
#define HISTOGRAM_LINE_BYTES 96
/* With the longest bars. */
#define HISTOGRAM_LINE_WIDTH 77

struct histogram {
	unsigned int first; /* bucket that is not empty; behind all if none is */
	unsigned int last;
	uint64_t most; /* in one */
	uint64_t all;
};

void histogram_look(const __u64 *bucket, struct histogram *h);

/* The bucket that percent of the faults are in or below; -1 when there are none. */
int histogram_rank(const __u64 *bucket, unsigned int percent);

/*
 * histogram_percentile() - what percent of the faults took less than
 * "<66us": the upper bound of the bucket that holds it, ">2.1s" in the last
 * bucket, "-" when there are none.
 */
void histogram_percentile(const __u64 *bucket, unsigned int percent,
			  char text[HISTOGRAM_TEXT_BYTES]);

/* A bucket with a bar, which a narrow line has a shorter one of; not of a histogram that is empty. */
void histogram_line(const __u64 *bucket, const struct histogram *h, unsigned int i, size_t width,
		    char text[HISTOGRAM_LINE_BYTES]);

/* Such a line per bucket, from the first to the last that is not empty. */
void histogram_print(const __u64 *bucket);

#endif
