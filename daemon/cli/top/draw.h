/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOP_DRAW_H
#define UPAGER_TOP_DRAW_H

#include "cli/top/view.h"

/* All of the screen, as large as it is now; says in the view how many rows there are. */
void top_draw(struct top_view *v, struct top_sample *s);

#endif
