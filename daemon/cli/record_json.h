/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RECORD_JSON_H
#define UPAGER_RECORD_JSON_H

#include <stdint.h>

#include "uapi/upager_proto.h"

/*
 * Prints an object with "processes" (contract in DESIGN.md) and, unless daemon
 * (its own record) is NULL, "daemon".  0 or -errno.
 */
int record_json_print(const struct upager_record *record, uint32_t nr,
		      const struct upager_record *daemon);

#endif
