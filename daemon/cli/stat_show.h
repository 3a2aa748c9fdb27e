/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STAT_SHOW_H
#define UPAGER_STAT_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/stat_ends.h"

#define STAT_REPEAT_MAX 1000

/* A program to run tracked, so often, and how to show what was counted. */
struct stat_run {
	char **argv;
	unsigned int repeat;
	bool children;
	bool json;
	const char *output; /* NULL: stdout */
};

struct stat_sums {
	struct ends_counts counts;
	uint64_t elapsed_ns;
	uint64_t processes;
};

struct stat_result {
	struct stat_sums *sums; /* of each run */
	size_t nr;
	struct ends last; /* the last run's, with all its processes and places */
	int status;
};

/* 0 or -errno. */
int stat_show_text(FILE *out, const struct stat_run *run, struct stat_result *result);
int stat_show_json(FILE *out, const struct stat_run *run, struct stat_result *result);

#endif
