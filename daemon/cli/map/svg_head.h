/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_SVG_HEAD_H
#define UPAGER_MAP_SVG_HEAD_H

#include <stdio.h>

#include "cli/map/model.h"

/* What stands above the picture: name, bars, types and states; and where it ends. */
void svg_head(FILE *f, const struct map *m);
uint32_t svg_head_height(const struct map *m);

#endif
