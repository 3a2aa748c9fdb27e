/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters of /proc/upager/PID/cow, and how far they went between two looks. */
#ifndef UPAGER_KMOD_COW_H
#define UPAGER_KMOD_COW_H

#include "report.h"

#include <stddef.h>

struct cow {
	uint64_t shared_now_pages, maybe_shared_pages;
	uint64_t copies, reuses_without_copy, zero_first_writes, file_first_writes, huge_breaks;
	uint64_t huge_splits, huge_split_bytes, huge_zero_writes, huge_zero_bytes;
	uint64_t hugetlb_copies, hugetlb_bytes_copied;
	uint64_t forks, page_table_bytes_copied, bytes_copied;
	uint64_t children_lost, probes_missed;
	uint64_t children, children_copies, children_reuses, children_bytes_copied;
};

#define COW_KEY(name)                             \
	{                                         \
#name, offsetof(struct cow, name) \
	}

static const struct cow_key {
	const char *name;
	size_t offset;
} cow_keys[] = {
	COW_KEY(shared_now_pages),
	COW_KEY(maybe_shared_pages),
	COW_KEY(copies),
	COW_KEY(reuses_without_copy),
	COW_KEY(zero_first_writes),
	COW_KEY(file_first_writes),
	COW_KEY(huge_breaks),
	COW_KEY(huge_splits),
	COW_KEY(huge_split_bytes),
	COW_KEY(huge_zero_writes),
	COW_KEY(huge_zero_bytes),
	COW_KEY(hugetlb_copies),
	COW_KEY(hugetlb_bytes_copied),
	COW_KEY(children_lost),
	COW_KEY(probes_missed),
	COW_KEY(forks),
	COW_KEY(page_table_bytes_copied),
	COW_KEY(bytes_copied),
	COW_KEY(children),
	COW_KEY(children_copies),
	COW_KEY(children_reuses),
	COW_KEY(children_bytes_copied),
};

#define NR_COW_KEYS (sizeof(cow_keys) / sizeof(cow_keys[0]))

/* Of the report that was read last. */
static inline struct cow cow_parse(void)
{
	struct cow cow;

	for (size_t i = 0; i < NR_COW_KEYS; i++)
		*(uint64_t *)((char *)&cow + cow_keys[i].offset) = report_value(cow_keys[i].name);
	return cow;
}

/* Of a tracked process; REPORT_NONE throughout where it cannot be read. */
static inline struct cow cow_read(pid_t pid)
{
	struct cow none;

	memset(&none, 0xff, sizeof(none));
	return report_read_tracked(pid, "cow") ? none : cow_parse();
}

/* Counts are differences; what is shared now may have become less. */
static inline struct cow cow_since(struct cow now, struct cow before)
{
	for (size_t i = 0; i < NR_COW_KEYS; i++)
		*(uint64_t *)((char *)&now + cow_keys[i].offset) -=
			*(uint64_t *)((char *)&before + cow_keys[i].offset);
	return now;
}

/* The one thing that some kernels (PREEMPT_RT) have no place to count at. */
static inline bool cow_counts(const char *name)
{
	static int found = -1;
	char line[512];
	FILE *f;

	if (strcmp(name, "reuses_without_copy"))
		return true;
	f = found < 0 ? fopen("/proc/kallsyms", "re") : NULL;
	if (found < 0)
		found = 0;
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " wp_page_reuse\n") != NULL;
	if (f)
		fclose(f);
	return found;
}

/* What a process did since a look at it. */
#define EXPECT_COW(expected, pid, before)                                                      \
	do {                                                                                   \
		struct cow _is = cow_since(cow_read(pid), before), _want = expected;           \
		for (size_t _i = 0; _i < NR_COW_KEYS; _i++) {                                  \
			size_t _at = cow_keys[_i].offset;                                      \
			if (!cow_counts(cow_keys[_i].name))                                    \
				continue;                                                      \
			int64_t _w = *(int64_t *)((char *)&_want + _at);                       \
			int64_t _g = *(int64_t *)((char *)&_is + _at);                         \
			EXPECT_EQ(_w, _g)                                                      \
			{                                                                      \
				TH_LOG("%s: %lld, not %lld", cow_keys[_i].name, (long long)_g, \
				       (long long)_w);                                         \
			}                                                                      \
		}                                                                              \
	} while (0)

#endif
