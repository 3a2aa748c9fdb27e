/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_STEP_H
#define UPAGER_TOUR_STEP_H

#include "cli/tour/page.h"

/*
 * A step measures, and adds to its page.  0; or -errno: it could not, and what it added so far is not
 * shown.  It leaves no process and no file behind either way.
 */
int tour_holes(struct tour_page *p);
int tour_grow(struct tour_page *p);
int tour_libs(struct tour_page *p);
int tour_fork(struct tour_page *p);
int tour_demand(struct tour_page *p);
int tour_mmu(struct tour_page *p);
int tour_pager(struct tour_page *p);
int tour_larger(struct tour_page *p);

struct tour_step {
	const char *name;
	const char *title;
	int (*run)(struct tour_page *p);
};

#define TOUR_STEPS_MAX 8

/* In the order of the lecture; the last has no name. */
extern const struct tour_step tour_steps[];

#endif
