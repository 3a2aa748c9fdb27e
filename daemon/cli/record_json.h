/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RECORD_JSON_H
#define UPAGER_RECORD_JSON_H

#include "cli/snapshot.h"

/* Prints an object with "processes" and, where the daemon told of itself, "daemon".  0 or -errno. */
int record_json_print(const struct snapshot *snap);

#endif
