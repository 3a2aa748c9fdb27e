/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HISTOGRAM_H
#define UPAGER_HISTOGRAM_H

#include <linux/types.h>

/*
 * Histograms of struct upager_record: bucket n counts [2^n, 2^(n+1)) ns, the
 * last one everything longer too.
 */

#define HISTOGRAM_TEXT_BYTES 16

/*
 * histogram_percentile() - what percent of the faults took less than
 * "<66us": the upper bound of the bucket that holds it, ">2.1s" in the last
 * bucket, "-" when there are none.
 */
void histogram_percentile(const __u64 *bucket, unsigned int percent,
			  char text[HISTOGRAM_TEXT_BYTES]);

/* A line with a bar per bucket, from the first to the last that is not empty. */
void histogram_print(const __u64 *bucket);

#endif
