// SPDX-License-Identifier: GPL-2.0-only
#include "cli/histogram.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "uapi/upager_proto.h"

#define BAR_START   37
#define BAR_CHARS   (HISTOGRAM_LINE_WIDTH - BAR_START)
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

void histogram_look(const __u64 *bucket, struct histogram *h)
{
	*h = (struct histogram){ .first = UPAGER_HIST_BUCKETS };
	for (unsigned int i = 0; i < UPAGER_HIST_BUCKETS; i++) {
		if (!bucket[i])
			continue;
		if (h->first == UPAGER_HIST_BUCKETS)
			h->first = i;
		h->last = i;
		h->all += bucket[i];
		if (bucket[i] > h->most)
			h->most = bucket[i];
	}
}

int histogram_rank(const __u64 *bucket, unsigned int percent)
{
	struct histogram h;
	uint64_t rank;
	int i = 0;

	histogram_look(bucket, &h);
	if (!h.all)
		return -1;
	/* Rounded up, without overflow. */
	rank = h.all / 100 * percent + (h.all % 100 * percent + 99) / 100;
	for (uint64_t seen = bucket[0]; seen < rank; seen += bucket[i])
		i++;
	return i;
}

void histogram_percentile(const __u64 *bucket, unsigned int percent,
			  char text[HISTOGRAM_TEXT_BYTES])
{
	int i = histogram_rank(bucket, percent);

	if (i < 0) {
		snprintf(text, HISTOGRAM_TEXT_BYTES, "-");
		return;
	}
	text[0] = i == BUCKET_LAST ? '>' : '<';
	format_ns(i == BUCKET_LAST ? 1ULL << i : 2ULL << i, text + 1, HISTOGRAM_TEXT_BYTES - 1);
}

static size_t bar_room(size_t width)
{
	if (width >= HISTOGRAM_LINE_WIDTH)
		return BAR_CHARS;
	return width > BAR_START ? width - BAR_START : 1;
}

void histogram_line(const __u64 *bucket, const struct histogram *h, unsigned int i, size_t width,
		    char text[HISTOGRAM_LINE_BYTES])
{
	char from[HISTOGRAM_TEXT_BYTES], to[HISTOGRAM_TEXT_BYTES] = "";
	double share = (double)bucket[i] / (double)h->most;
	size_t length = (size_t)(share * (double)bar_room(width) + 0.5);
	char bar[BAR_CHARS + 1];

	/* Few is not none. */
	if (bucket[i] && !length)
		length = 1;
	memset(bar, '#', length);
	bar[length] = '\0';
	format_ns(1ULL << i, from, sizeof(from));
	if (i != BUCKET_LAST)
		format_ns(2ULL << i, to, sizeof(to));
	snprintf(text, HISTOGRAM_LINE_BYTES, "%6s - %-6s %12llu %5.1f%% %s", from, to, bucket[i],
		 100.0 * (double)bucket[i] / (double)h->all, bar);
}

void histogram_print(const __u64 *bucket)
{
	char text[HISTOGRAM_LINE_BYTES];
	struct histogram h;

	histogram_look(bucket, &h);
	for (unsigned int i = h.first; i <= h.last; i++) {
		histogram_line(bucket, &h, i, HISTOGRAM_LINE_WIDTH, text);
		puts(text);
	}
}
