/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_HTML_H
#define UPAGER_MAP_HTML_H

#include <stdio.h>

#include "cli/map/model.h"

/* A page that holds the map and the script that draws it, and needs nothing else.  0 or -errno. */
int map_html_write(FILE *f, const struct map *m);

#endif
