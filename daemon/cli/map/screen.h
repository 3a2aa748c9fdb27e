/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_SCREEN_H
#define UPAGER_MAP_SCREEN_H

#include "cli/map/model.h"

/* Where less of a row is shown, and in fewer words. */
#define MAP_TERM_NARROW 60

/* What a terminal can show. */
struct map_term {
	uint32_t width;
	uint32_t height; /* 0: it goes on for ever, as what is no terminal */
	bool colour;
	bool utf8;
};

/* Of stdout: its width, colour if it is a terminal and NO_COLOR is not set, UTF-8 by the locale. */
void map_term_probe(struct map_term *t);
/* Colours, signs and text of a width; what a terminal cannot show is left out or replaced. */

/* Of a kind; what is not in memory is dim. */
void term_colour(const struct map_term *t, enum map_kind kind, enum map_state state);
void term_dim(const struct map_term *t);
void term_bold(const struct map_term *t);
void term_plain(const struct map_term *t);

/* One column wide: a part in a state, less than half of which is so. */
void term_state(const struct map_term *t, enum map_state state, bool little);
/* One column of a bar. */
void term_bar(const struct map_term *t, enum map_kind kind);
/* Stands for a kind where there is no colour. */
char term_letter(enum map_kind kind);

/* In exactly so many columns; a long text loses its middle. */
void term_fit(const char *text, int width);

/* What the signs of the states in a map mean, and what is not known of it. */
void term_legend(const struct map_term *t, const struct map *m);

#endif
