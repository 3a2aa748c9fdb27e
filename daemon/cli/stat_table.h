/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STAT_TABLE_H
#define UPAGER_STAT_TABLE_H

#include "control/report.h"

/* The largest holes, every object, where pages were copied.  0 or -errno. */
int stat_table_holes(const struct report *report);
int stat_table_objects(const struct report *report);
int stat_table_places(const struct report *report);

#endif
