/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_EVENT_SLOT_H
#define UPAGER_EVENT_SLOT_H

#include "recover/event_slot_format.h"

/* What was read and not all applied. The worker's; the keeper's while no daemon lives. */
static inline uint32_t event_slot_used(const struct event_slot *slot)
{
	uint32_t n = 0;

	while (n < EVENTS_KEPT && slot->msg[n].event)
		n++;
	return n;
}

/*
 * What is applied makes room, all others stay in their order.  May end at any
 * point: then event_slot_mend() comes before whatever else is done with it.
 */
void event_slot_gather(struct event_slot *slot);
void event_slot_mend(struct event_slot *slot);

/*
 * Something was filled: the kernel says that no event is on its way, and all
 * that were read are applied.  What was moved before plays no part any more.
 */
static inline void event_slot_settled(struct event_slot *slot)
{
	if (slot->nr_moves)
		__atomic_store_n(&slot->nr_moves, 0, __ATOMIC_RELEASE);
}

#endif
