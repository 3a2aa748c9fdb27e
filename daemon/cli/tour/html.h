/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_HTML_H
#define UPAGER_TOUR_HTML_H

#include <stdio.h>

#include "cli/tour/step.h"

/*
 * A page that needs nothing else: no script, no network.  What could not be written is known by
 * ferror().
 */
void tour_html_begin(FILE *f, const struct tour_step *const *steps, uint32_t nr_steps);
void tour_html_step(FILE *f, const struct tour_page *p);
void tour_html_end(FILE *f);

#endif
