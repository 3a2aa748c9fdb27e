/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RECORD_TABLE_H
#define UPAGER_RECORD_TABLE_H

#include "cli/snapshot.h"

/* A line per process.  0 or -errno. */
int record_table_print(const struct snapshot *snap);

/* The counters that the table has no room for, and the latencies, of one process. */
void record_table_print_details(const struct snapshot *snap);

/* A line as in the kernel's /proc/pressure. */
void record_table_print_stall(const char *name, const struct upager_stall *stall);

#endif
