// SPDX-License-Identifier: GPL-2.0-only
#include "cli/histogram.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "uapi/upager_proto.h"

#define BAR_CHARS   40
#define BUCKET_LAST (UPAGER_HIST_BUCKETS - 1)

static void format_ns(uint64_t ns, char *text, size_t size)
{
	static const char *const unit[] = { "ns", "us", "ms", "s" };
	double value = (double)ns;
	unsigned int i = 0;

	for (; value >= 1000 && i < 3; i++)
		value /= 1000;
	snprintf(text, size, "%.*f%s", i && value < 9.95 ? 1 : 0, value, unit[i]);
}

static uint64_t total(const __u64 *bucket)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < UPAGER_HIST_BUCKETS; i++)
		sum += bucket[i];
	return sum;
}

void histogram_percentile(const __u64 *bucket, unsigned int percent,
			  char text[HISTOGRAM_TEXT_BYTES])
{
	uint64_t all = total(bucket);
	/* The rank, rounded up, without overflow. */
	uint64_t rank = all / 100 * percent + (all % 100 * percent + 99) / 100;
	unsigned int i = 0;

	if (!all) {
		snprintf(text, HISTOGRAM_TEXT_BYTES, "-");
		return;
	}
	for (uint64_t seen = bucket[0]; seen < rank; seen += bucket[i])
		i++;
	text[0] = i == BUCKET_LAST ? '>' : '<';
	format_ns(i == BUCKET_LAST ? 1ULL << i : 2ULL << i, text + 1, HISTOGRAM_TEXT_BYTES - 1);
}

void histogram_print(const __u64 *bucket)
{
	uint64_t all = total(bucket), most = 0;
	unsigned int first = UPAGER_HIST_BUCKETS, last = 0;
	char bar[BAR_CHARS + 1];

	for (unsigned int i = 0; i < UPAGER_HIST_BUCKETS; i++) {
		if (!bucket[i])
			continue;
		if (first == UPAGER_HIST_BUCKETS)
			first = i;
		last = i;
		if (bucket[i] > most)
			most = bucket[i];
	}
	for (unsigned int i = first; i <= last; i++) {
		char from[HISTOGRAM_TEXT_BYTES], to[HISTOGRAM_TEXT_BYTES] = "";
		double share = (double)bucket[i] / (double)most;
		size_t length = (size_t)(share * BAR_CHARS + 0.5);

		/* Few is not none. */
		if (bucket[i] && !length)
			length = 1;
		memset(bar, '#', length);
		bar[length] = '\0';
		format_ns(1ULL << i, from, sizeof(from));
		if (i != BUCKET_LAST)
			format_ns(2ULL << i, to, sizeof(to));
		printf("%6s - %-6s %12llu %5.1f%% %s\n", from, to, bucket[i],
		       100.0 * (double)bucket[i] / (double)all, bar);
	}
}
