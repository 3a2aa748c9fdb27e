/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_EVENT_SLOT_FORMAT_H
#define UPAGER_EVENT_SLOT_FORMAT_H

#include <linux/userfaultfd.h>
#include <stdint.h>

#define EVENTS_BATCH 64
#define LATE_UNMAPS  128
#define ASIDES	     16

/*
 * Events of a space that were read and not all applied: in the state file.  One
 * that was applied becomes EVENT_APPLIED by one store; one that cannot be applied
 * twice from the start keeps its progress in its reserved members, as events.c
 * says.
 */
struct event_slot {
	struct uffd_msg msg[EVENTS_BATCH]; /* .event == 0: the end */
	/* event/late_unmap.c: a ring of UNMAPs that are to come. */
	struct late_unmap {
		uint64_t start;
		uint64_t end; /* 0: none */
	} late[LATE_UNMAPS];
	uint64_t nr_late;
	/* event/aside.c: what has gone by events that are to come. */
	struct aside {
		uint64_t start;
		uint64_t end; /* 0: none */
		uint64_t by; /* who asks for it, as aside.c says */
	} aside[ASIDES];
};

_Static_assert(sizeof(struct event_slot) == 32 * EVENTS_BATCH + 16 * LATE_UNMAPS + 8 + 24 * ASIDES,
	       "fixed layout");

#define EVENT_APPLIED 0xff

#endif
