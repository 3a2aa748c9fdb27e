/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ORDER_H
#define UPAGER_ORDER_H

#include "event/moves.h"

/*
 * In which order the events of a slot are applied.
 *
 * The kernel tells of UNMAP and REMAP after it has let go of the lock under which
 * it did them, so that those of two threads may be read in another order than
 * they happened.  But at any address what is mapped goes before something else
 * comes there: a REMAP to where something is known to be has overtaken the UNMAP
 * or REMAP of that.  It waits in the slot, and with it what is about the same
 * addresses, while more events are read, until that one is there.  Nothing is
 * filled meanwhile, which the kernel refuses anyway as long as an event is on its
 * way.  When it says that none is, and there is none in the slot, then what is
 * there is a leftover.
 *
 * An UNMAP or REMAP from where another REMAP has brought something may have been
 * overtaken by that, where nothing was known to be there before: moves.h.
 */
struct order {
	struct pager *pg;
	struct space *sp;
	struct stays stays; /* of the event that is to be applied */
	bool asked;
	bool quiet; /* nothing is on its way but what is in the slot */
	uint32_t nr_waiting;
	uint8_t waiting[EVENTS_KEPT]; /* events, by number */
	struct moves_log log;
	uint32_t judged;
	bool losing; /* the slot is full of events that cannot be applied */
};

void order_begin(struct order *o, struct pager *pg, struct space *sp);
/* The next event to be applied; NULL: none is left, or all that are left wait. */
struct uffd_msg *order_next(struct order *o);
bool order_waits(const struct order *o);

#endif
