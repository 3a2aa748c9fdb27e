/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MEMINFO_H
#define UPAGER_MEMINFO_H

#include <stdint.h>

/* A line of /proc/meminfo, e.g. "MemTotal:", in bytes; 0 if it is not there. */
uint64_t meminfo_bytes(const char *name);
/* What this process has in memory that is no file's. */
uint64_t meminfo_own_bytes(void);

#endif
