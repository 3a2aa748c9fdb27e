/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_SVG_H
#define UPAGER_MAP_SVG_H

#include <stdio.h>

#include "cli/map/model.h"

/* The picture as a drawing of a fixed width, for documents.  0 or -errno. */
int map_svg_write(FILE *f, const struct map *m);

#endif
