/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_PAGES_H
#define UPAGER_MAP_PAGES_H

#include "cli/map/model.h"

/*
 * Where the pages of each region are, by /proc/PID/pagemap.  Where that has gone meanwhile, or
 * would take too long, a region has its sums by smaps and no cells.  0 or -ENOMEM.
 */
int map_pages_read(int pagemap_fd, struct map *m);

#endif
