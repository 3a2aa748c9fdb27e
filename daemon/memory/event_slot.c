// SPDX-License-Identifier: GPL-2.0-only
#include "memory/event_slot.h"

#define GATHERING(from, to) ((uint64_t)(to) << 32 | ((uint64_t)(from) + 1))

static void set_event(struct uffd_msg *msg, uint8_t event)
{
	__atomic_store_n(&msg->event, event, __ATOMIC_RELEASE);
}

static void say(struct event_slot *slot, uint64_t gathering)
{
	__atomic_store_n(&slot->gathering, gathering, __ATOMIC_RELEASE);
}

void event_slot_mend(struct event_slot *slot)
{
	uint32_t from = (uint32_t)slot->gathering - 1, to = (uint32_t)(slot->gathering >> 32);

	/* As long as it is in its old place the new one does not count. */
	if (slot->gathering && from < EVENTS_KEPT && to < from &&
	    slot->msg[from].event != EVENT_APPLIED)
		set_event(&slot->msg[to], EVENT_APPLIED);
	say(slot, 0);
}

void event_slot_gather(struct event_slot *slot)
{
	uint32_t nr = event_slot_used(slot), to = 0;

	for (uint32_t from = 0; from < nr; from++) {
		struct uffd_msg msg = slot->msg[from];

		if (msg.event == EVENT_APPLIED)
			continue;
		if (to != from) {
			uint8_t event = msg.event;

			say(slot, GATHERING(from, to));
			msg.event = EVENT_APPLIED;
			slot->msg[to] = msg;
			set_event(&slot->msg[to], event);
			set_event(&slot->msg[from], EVENT_APPLIED);
			say(slot, 0);
		}
		to++;
	}
	while (nr > to)
		set_event(&slot->msg[--nr], 0);
}
