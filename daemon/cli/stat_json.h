/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STAT_JSON_H
#define UPAGER_STAT_JSON_H

#include "control/report.h"

/*
 * Prints an object with the keys of the process and "holes", "libs" (each with a
 * "list"), "cow" and "paging"; every key of the report is in it.  0 or -errno.
 */
int stat_json_print(const struct report *report);

#endif
