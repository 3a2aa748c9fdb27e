/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PAGE_ENTRY_FORMAT_H
#define UPAGER_PAGE_ENTRY_FORMAT_H

#include "base/types.h"

/*
 * The state of a page, who owns its data, and the ways out.  REMOVE and UNMAP
 * lead to VIRGIN from every state.
 */
enum page_state {
	/* Nobody: missing means zero. -> RESIDENT (zero fill, adoption) */
	PAGE_VIRGIN,
	/*
	 * The program.  Keeps the slot of its last clean copy, if any.
	 * -> DETACHING (chosen for eviction), VIRGIN (found absent [F9])
	 */
	PAGE_RESIDENT,
	/*
	 * The agent, from before the batch is posted until it is settled:
	 * the page is in the program, in staging or in the pool at `place`.
	 * Faults wait.  -> STANDBY, VIRGIN (all zero), RESIDENT (not moved), LOST
	 * (gone with the agent and the address space)
	 */
	PAGE_DETACHING,
	/*
	 * The daemon's pool, at `place`.  With dirty set the pool has the only
	 * copy (a slot, if there is one, is being written); else slot is a copy.
	 * -> RESIDENT (rescue), SWAPPED only when clean
	 */
	PAGE_STANDBY,
	/* The slot. -> RESIDENT, LOST (unreadable, or the checksum is wrong) */
	PAGE_SWAPPED,
	/* Nobody any more: SIGBUS. -> VIRGIN by the program's own doing */
	PAGE_LOST,
	__PAGE_STATES,
};

/* A page entry by value. */
struct page {
	enum page_state state;
	bool dirty; /* STANDBY */
	uint8_t age; /* RESIDENT: passes of the clock hand that it survives */
	uint32_t place; /* DETACHING, STANDBY: page index in the pool */
	slot_t slot;
};

#define PAGE_AGE_MAX	3
#define PAGE_PLACE_BITS 18

#define PAGE_ENTRY_STATE     0x7ULL
#define PAGE_ENTRY_DIRTY     0x8ULL
#define PAGE_ENTRY_AGE	     0x30ULL
#define PAGE_ENTRY_AGE_LSB   4
#define PAGE_ENTRY_PLACE_LSB 6
#define PAGE_ENTRY_SLOT_LSB  24

/* A VIRGIN page without anything is entry 0. */
static inline uint64_t page_entry_pack(struct page p)
{
	return (uint64_t)p.state | (p.dirty ? PAGE_ENTRY_DIRTY : 0) |
	       (uint64_t)p.age << PAGE_ENTRY_AGE_LSB | (uint64_t)p.place << PAGE_ENTRY_PLACE_LSB |
	       p.slot.v << PAGE_ENTRY_SLOT_LSB;
}

static inline enum page_state page_entry_state(uint64_t e)
{
	return (enum page_state)(e & PAGE_ENTRY_STATE);
}

static inline slot_t page_entry_slot(uint64_t e)
{
	return (slot_t){ e >> PAGE_ENTRY_SLOT_LSB };
}

static inline struct page page_entry_unpack(uint64_t e)
{
	return (struct page){
		.state = page_entry_state(e),
		.dirty = e & PAGE_ENTRY_DIRTY,
		.age = (uint8_t)((e & PAGE_ENTRY_AGE) >> PAGE_ENTRY_AGE_LSB),
		.place = (uint32_t)(e >> PAGE_ENTRY_PLACE_LSB) & ((1u << PAGE_PLACE_BITS) - 1),
		.slot = page_entry_slot(e),
	};
}

/* Of an entry that is read from a file: whether a daemon can have written it. */
static inline bool page_entry_valid(uint64_t e)
{
	struct page p = page_entry_unpack(e);

	switch (p.state) {
	case PAGE_VIRGIN:
	case PAGE_LOST:
		return !slot_valid(p.slot);
	case PAGE_RESIDENT:
	case PAGE_DETACHING:
		return true;
	case PAGE_STANDBY:
		return p.dirty || slot_valid(p.slot);
	case PAGE_SWAPPED:
		return slot_valid(p.slot);
	default:
		return false;
	}
}

#endif
