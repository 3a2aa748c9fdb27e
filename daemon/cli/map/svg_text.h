/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_SVG_TEXT_H
#define UPAGER_MAP_SVG_TEXT_H

#include <stdio.h>

#include "cli/map/model.h"

#define SVG_WIDTH  960
#define SVG_MARGIN 24

enum svg_style {
	SVG_NAME,
	SVG_TITLE,
	SVG_SOFT,
	SVG_SOFT_RIGHT,
	SVG_RIGHT,
	SVG_ADDRESS,
	__SVG_STYLES,
};

/* The element, colours for light and dark, and patterns. */
void svg_begin(FILE *f, double height);
/* A text of at most so many characters; a longer one loses its middle. */
void svg_text(FILE *f, enum svg_style style, double x, double y, size_t max, const char *text);
/* A rectangle in the colour of a kind, or as pages of it in a state are drawn. */
void svg_kind(FILE *f, enum map_kind kind, double x, double y, double width, double height);
void svg_state(FILE *f, enum map_kind kind, enum map_state state, double x, double y, double width,
	       double height);

#endif
