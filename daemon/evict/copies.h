/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_COPIES_H
#define UPAGER_COPIES_H

#include "pager.h"

/*
 * What a fork's child has in a pool of its own, because its parent's was not
 * yet on the device: so a fork waits for no write.  The parent writes it for
 * both; the child takes that slot when the data is the same, and writes what
 * its parent did not.  Then the pool goes, before an agent comes.
 */

/* Whether so many more may wait for the device. */
bool copies_have_room(const struct pager *pg, uint32_t nr);
/* A child that nobody knows yet has so many. */
void copies_begin(struct pager *pg, struct space *child, uint32_t nr);
/* Time of the next look, 0: none. */
uint64_t copies_step(struct pager *pg, struct space *sp, uint64_t now_ns);
/* The space closes. */
void copies_forget(struct pager *pg, struct space *sp);

#endif
