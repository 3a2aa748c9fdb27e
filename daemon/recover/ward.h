/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_WARD_H
#define UPAGER_WARD_H

#include <stdbool.h>
#include <stdint.h>

#include "recover/event_slot_format.h"

struct pager;

/*
 * A child whose fork was read, and not applied, while no daemon lives.  The keeper
 * gives it a space's id, so that what it does next has an event slot to be read into
 * and it goes on, at a fork of its own, too.  The space that it becomes when its fork
 * is applied has that id.
 */

/* ---- the keeper ---- */

/* What is read by the keeper for this id: a space's userfaultfd, a ward's, or -1. */
int ward_uffd(const struct pager *pg, uint32_t id);
/* Ids for the children that a slot tells of, as far as there is room. */
void wards_take(struct pager *pg, const struct event_slot *slot);
/*
 * Of a slot that fills: forks of children that are gone, and have no children that are
 * known of by them alone, are forgotten.
 */
void wards_forget(struct pager *pg, struct event_slot *slot);

/* ---- the next daemon ---- */

/* The id of a forked child, if the keeper gave it one; 0: it did not. */
uint32_t ward_find(const struct pager *pg, int uffd);
/* It is recorded as a space.  Who faulted meanwhile is woken: the keeper has read that. */
void ward_end(struct pager *pg, uint32_t id);
/*
 * It cannot be taken on, nor can its children be.  False: something was moved in it,
 * and it is one of pg->unserved now.
 */
bool ward_refuse(struct pager *pg, int uffd);

#endif
