/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_METRICS_TEXT_H
#define UPAGER_METRICS_TEXT_H

#include <stdio.h>

#include "cli/snapshot.h"

enum metrics_format {
	METRICS_OPENMETRICS,
	METRICS_PROMETHEUS, /* the older text format, which node_exporter reads from files */
};

/*
 * All metrics of one moment; snap NULL: no daemon answers, and that is all there is.  The names are
 * a contract: upager-metrics(1).
 */
void metrics_print(FILE *f, enum metrics_format format, const struct snapshot *snap);

#endif
