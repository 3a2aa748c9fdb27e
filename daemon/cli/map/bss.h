/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_BSS_H
#define UPAGER_MAP_BSS_H

#include "cli/map/model.h"

/*
 * What looks like the bss of an object and is larger than its file says is anonymous memory that
 * the kernel merged with it.  0 or -ENOMEM.
 */
int map_bss_check(struct map *m);

#endif
