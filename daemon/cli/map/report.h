/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_REPORT_H
#define UPAGER_MAP_REPORT_H

#include "cli/map/model.h"
#include "control/report.h"

/*
 * What a map tells of what a report of the module would: holes, objects, and pages shared by fork
 * where they can be told.  0 or -ENOMEM.
 */
int map_report(const struct map *m, struct report *report);

#endif
