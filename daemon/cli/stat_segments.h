/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STAT_SEGMENTS_H
#define UPAGER_STAT_SEGMENTS_H

#include <sys/types.h>

#include "control/report.h"

/*
 * Adds to each object of a report what its file's program headers say: text_bytes, rodata_bytes,
 * relro_bytes, data_bytes and bss_bytes.  Those of files that cannot be read, or not in time, stay
 * without.  0 or -ENOMEM.
 */
int stat_segments_add(pid_t pid, struct report *report);

#endif
