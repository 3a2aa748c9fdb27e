/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RECORD_H
#define UPAGER_RECORD_H

#include <stdint.h>

#include "uapi/upager_proto.h"

/* The state of a process as a word. */
const char *record_state(const struct upager_record *record);

/* Hundredths of a percent, as a struct upager_stall has them. */
double record_percent(uint32_t hundredths);

/* Of the daemon's record: page tables and slots in use for each page in the swap areas. */
double record_bytes_per_page(const struct upager_record *daemon);

#endif
