/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_SMAPS_H
#define UPAGER_MAP_SMAPS_H

#include <stdio.h>

#include "cli/map/model.h"

/*
 * The regions of /proc/PID/smaps: where they are, their names and sums, but not what kind they
 * are nor where their pages are.  0, -ENOMEM, or -errno of reading.
 */
int map_smaps_read(FILE *smaps, struct map *m);

#endif
