/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_REPORT_H
#define UPAGER_TOUR_REPORT_H

#include <jansson.h>

#include "cli/tour/page.h"

/* A step as JSON: "records" are what was measured.  NULL: no memory. */
json_t *tour_report(const struct tour_page *p);

#endif
