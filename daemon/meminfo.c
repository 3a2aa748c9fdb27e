// SPDX-License-Identifier: GPL-2.0-only
#include "meminfo.h"

#include <stdio.h>
#include <string.h>

uint64_t meminfo_bytes(const char *name)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name))) {
			sscanf(line + strlen(name), " %llu", &kib);
			break;
		}
	if (f)
		fclose(f);
	return kib * 1024;
}
