/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_COST_H
#define UPAGER_SELFTESTS_COST_H

#include <dirent.h>

#include "selftests/guard.h"

/* What the daemon costs. */

/* Clock ticks that all threads of a process have run for. */
static inline uint64_t cost_ticks(pid_t pid)
{
	unsigned long long user = 0, system = 0;
	char path[64], text[512] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f && fgets(text, sizeof(text), f) && strrchr(text, ')'))
		sscanf(strrchr(text, ')') + 1,
		       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system);
	if (f)
		fclose(f);
	return user + system;
}

/* How often its threads began to run. */
static inline uint64_t cost_switches(pid_t pid)
{
	char path[320], line[128];
	uint64_t sum = 0;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		unsigned long long n;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, d->d_name);
		f = d->d_name[0] == '.' ? NULL : fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1)
				sum += n;
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return sum;
}

#endif
