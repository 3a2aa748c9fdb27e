/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_EVENT_SLOT_FORMAT_H
#define UPAGER_EVENT_SLOT_FORMAT_H

#include <linux/userfaultfd.h>
#include <stdint.h>

#define EVENTS_BATCH 64 /* are read at once */
#define EVENTS_KEPT  128
#define MOVES_MAX    127 /* with which it has two pages */

/* What a space's userfaultfd told, and what is needed to understand it: in the state file. */
struct event_slot {
	/*
	 * Read and not all applied; .event == 0: the end.  One that was applied
	 * becomes EVENT_APPLIED by one store; one that cannot be applied twice from
	 * the start keeps its progress in its reserved members, as apply.c says.
	 */
	struct uffd_msg msg[EVENTS_KEPT];
	/* event/moves.c: a ring of REMAPs that were applied. */
	struct move {
		uint64_t from;
		uint64_t end; /* 0: none */
		uint64_t to;
		uint64_t bytes;
	} move[MOVES_MAX];
	uint64_t nr_moves;
	uint64_t gathering; /* a message that is being copied, and where to */
};

_Static_assert(sizeof(struct event_slot) == 32 * EVENTS_KEPT + 32 * MOVES_MAX + 16, "fixed layout");

#define EVENT_APPLIED 0xff

#endif
