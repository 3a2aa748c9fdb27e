/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_TERM_TABLE_H
#define UPAGER_MAP_TERM_TABLE_H

#include "cli/map/screen.h"

/* The three bars and the table of sums. */
void term_table_print(const struct map_term *t, const struct map *m);

#endif
