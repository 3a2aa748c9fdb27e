/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ADOPT_H
#define UPAGER_ADOPT_H

#include "pager.h"

/*
 * Takes what is present in newly registered ranges for RESIDENT, a slice per
 * call, so that faults are served in between.  From registration on an absent
 * page cannot appear behind the daemon's back, and one that is zapped raises an
 * event; so a page seen present is the program's, unless it is in quarantine.
 * The worker's thread only.
 */
void adopt_step(struct pager *pg, struct space *sp);

#endif
