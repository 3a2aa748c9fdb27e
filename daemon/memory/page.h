/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PAGE_H
#define UPAGER_PAGE_H

#include "memory/page_entry_format.h"
#include "pager.h"

/* A snapshot of one page's entry. */
struct page page_read(struct pager *pg, const struct space *sp, pgno_t n);
/* The first page of [first, end) of which something is known. */
bool page_find(struct pager *pg, const struct space *sp, pgno_t first, pgno_t end, pgno_t *found);

/*
 * page_change() - the only writer of single entries
 *
 * -ESTALE when the entry differs from `from` (ages aside); asserts that the
 * transition is one that page_entry_format.h allows.  -ENOMEM: out of tables, which
 * cannot be where the path is this space's alone, as that of what is or was in
 * a batch or in standby.  When the slot changes, the
 * reference of from.slot is dropped and that of to.slot is the caller's gift.
 * Keeps the space's counts.
 */
int page_change(struct pager *pg, struct space *sp, pgno_t n, struct page from, struct page to);

/*
 * Whether the entries of a run, of two leaves at most, can be changed without
 * the tables that are kept for others: for what comes back, and for what cannot
 * wait.
 */
bool page_room(struct pager *pg, const struct space *sp, struct run run);
/* Whether a page can come back without the tables that are kept for what cannot wait. */
bool page_may_return(struct pager *pg, const struct space *sp, pgno_t n);

/*
 * Whole ranges, between change_begin() and change_end() only, and where there
 * was room: asked for the next range, or anything else, it ends.  Otherwise they
 * have to wait, as everybody in that process then has.
 */
bool page_drop_room(struct pager *pg);
/* REMOVE, UNMAP: [first, end) becomes VIRGIN, whatever it was. */
void page_drop(struct pager *pg, struct space *sp, pgno_t first, pgno_t end);
bool page_range_room(struct pager *pg, struct space *sp, pgno_t first, pgno_t end);
/* What of [first, end) is RESIDENT becomes VIRGIN: it is not registered any more. */
void page_forget(struct pager *pg, struct space *sp, pgno_t first, pgno_t end);
/*
 * REMAP: entries of [from, from + nr_pages) go to `to`, where nothing is, and the
 * source becomes VIRGIN.  After a crash again: what is there has been moved.
 */
void page_shift(struct pager *pg, struct space *sp, pgno_t from, pgno_t to, uint64_t nr_pages);
/* The only copy of this page cannot be had: LOST, from any state. The place is the caller's. */
void page_lose(struct pager *pg, struct space *sp, pgno_t n);
/* What is outside of [first, end) becomes LOST. */
void page_doubt(struct pager *pg, struct space *sp, pgno_t first, pgno_t end);
/* Nobody knows which of two places a content is of: LOST in both where it is outside in one. */
void page_doubt_both(struct pager *pg, struct space *sp, pgno_t one, pgno_t other,
		     uint64_t nr_pages);
/* A RESIDENT page no longer keeps the slot of its last clean copy, whoever shares its leaf. */
void page_give_up_copy(struct pager *pg, struct space *sp, pgno_t n);
/*
 * SWAPPED, in a slot that has the same data: for all that share the leaf.  The
 * reference is the leaf's from now on.
 */
void page_resettle(struct pager *pg, struct space *sp, pgno_t n, slot_t slot);
/*
 * Tables that several of these need together, at most, to be claimed at once:
 * page_drop() of so many ranges, page_shift() and page_doubt_both() of these.
 */
uint64_t page_drop_need(uint32_t nr_ranges);
uint64_t page_shift_need(struct pager *pg, const struct space *sp, pgno_t from, pgno_t to,
			 uint64_t nr_pages);
uint64_t page_doubt_both_need(struct pager *pg, const struct space *sp, pgno_t one, pgno_t other,
			      uint64_t nr_pages);
/* Sets the age, a hint. */
void page_set_age(struct pager *pg, struct space *sp, pgno_t n, uint8_t age);

#endif
