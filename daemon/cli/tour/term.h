/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_TERM_H
#define UPAGER_TOUR_TERM_H

#include "cli/map/screen.h"
#include "cli/tour/page.h"

/* A step on stdout, 80 columns wide. */
void tour_term_print(const struct map_term *t, const struct tour_page *p);

#endif
