/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_METRICS_FILE_H
#define UPAGER_METRICS_FILE_H

#include "cli/metrics/text.h"

/* Who reads path has all of it, of this moment or of the last; others may read it.  0 or -errno. */
int metrics_write(const char *path, enum metrics_format format, const struct snapshot *snap);

#endif
