/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAX_MAP_COUNT_H
#define UPAGER_MAX_MAP_COUNT_H

#include <stdint.h>

/* How many mappings a process may have: vm.max_map_count; 65530 where that cannot be read. */
uint32_t max_map_count(void);

#endif
