/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RECORD_TABLE_H
#define UPAGER_RECORD_TABLE_H

#include <stdint.h>

#include "uapi/upager_proto.h"

/* A line per process.  0 or -errno. */
int record_table_print(const struct upager_record *record, uint32_t nr);

/* The counters that the table has no room for, and the latencies, of one process. */
void record_table_print_details(const struct upager_record *record);

#endif
