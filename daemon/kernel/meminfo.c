// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/meminfo.h"

#include <stdio.h>
#include <string.h>

static uint64_t file_bytes(const char *path, const char *name)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name))) {
			sscanf(line + strlen(name), " %llu", &kib);
			break;
		}
	if (f)
		fclose(f);
	return kib * 1024;
}

uint64_t meminfo_bytes(const char *name)
{
	return file_bytes("/proc/meminfo", name);
}

uint64_t meminfo_own_bytes(void)
{
	return file_bytes("/proc/self/status", "RssAnon:") +
	       file_bytes("/proc/self/status", "RssShmem:");
}
