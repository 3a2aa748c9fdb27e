/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TABLE_H
#define UPAGER_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "swap/slot.h"

/*
 * Page tables: a radix tree of tables with 512 eight-byte entries, five levels
 * deep as the hardware's with 57-bit addresses.  A leaf holds page entries
 * (page.h), the levels above hold table ids.
 *
 * Tables are reference-counted.  fork copies the root only; a table that two
 * trees share is copied when one of them changes an entry below it.  A slot's
 * reference count counts the leaves that name it.
 *
 * The tables are one file under the state directory.  A table is complete
 * before it is linked, and a link is one aligned store.  The counts are plain
 * memory: recovery recomputes them.
 *
 * A file system can be full.  Who may do without a table asks tables_room()
 * before, and who can wait for one tables_last_room(): some are kept for it, and
 * others for ranges that are unmapped, moved or lost, for which tables_claim()
 * asks.  What is free goes back to the file system but for some hundreds.
 *
 * Only the worker calls these, except tables_refill() and tables_short().
 */
#define TABLE_BITS    9
#define TABLE_ENTRIES 512
#define TABLE_LEVELS  5

typedef struct {
	uint32_t v; /* 0: none */
} table_id_t;

struct tables;

/* -ENOSPC: no room for as many as are kept. The directory stays open as long as the tables. */
int tables_init(struct tables **tables, struct slots *slots, int state_dir_fd);
/*
 * Those of a daemon that died: begin, each root that is known, end.  Counts the
 * users of tables and slots anew, which is to be within slots_recount_begin() and
 * _end(); what no root leads to is free.  -EBADMSG: they are damaged.
 */
int tables_restore_begin(struct tables **tables, struct slots *slots, int state_dir_fd);
int tables_restore_root(struct tables *tables, table_id_t root);
int tables_restore_end(struct tables *tables);
/*
 * The housekeeping thread: keeps some free tables populated, so that a fault does not
 * allocate, and gives back what there is beyond; true: there may be more of that.
 */
bool tables_refill(struct tables *tables);
/*
 * Whether n tables can be made besides those that are kept.  They are not set
 * apart: for what is done before anything else is.
 */
bool tables_room(struct tables *tables, uint32_t n);
bool tables_last_room(struct tables *tables, uint32_t n);
/* Whether n tables can be made, those that are kept among them: for what cannot do without. */
bool tables_claim(struct tables *tables, uint64_t n);
/* tables_room() had to say no, and there is still no room. */
bool tables_short(const struct tables *tables);
uint64_t tables_used(const struct tables *tables);

/* Whether there is room for n beyond those that are kept, without making them. */
bool tables_could(const struct tables *tables, uint64_t n);
/* Tables of a tree, shared or not. */
uint64_t table_count(const struct tables *tables, table_id_t root);

/* v == 0 when out of tables. */
table_id_t table_root_new(struct tables *tables);
table_id_t table_root_share(struct tables *tables, table_id_t root);
/* Drops the tree; slots named by leaves that nobody shares are put. */
void table_root_put(struct tables *tables, table_id_t root);

/* Entry of pg, or 0 where there is no leaf. */
uint64_t table_get(struct tables *tables, table_id_t root, pgno_t pg);
/*
 * Replaces an entry; makes the path exclusive to this tree first.  Returns
 * -ENOMEM when out of tables, with nothing changed.  Slot references are the
 * caller's business.
 */
int table_set(struct tables *tables, table_id_t root, pgno_t pg, uint64_t entry);
/* Whether table_set() of this entry needs no table: the path is there and this tree's alone. */
bool table_owned(const struct tables *tables, table_id_t root, pgno_t pg);
/* Changes hint bits in place even where the leaf is shared. */
void table_hint(struct tables *tables, table_id_t root, pgno_t pg, uint64_t clear, uint64_t set);

/*
 * Next leaf at or after pg: its entries and the page of entry 0 in *base, or
 * NULL when there is none before end.
 */
const uint64_t *table_next_leaf(struct tables *tables, table_id_t root, pgno_t pg, pgno_t end,
				pgno_t *base);

/*
 * Whole ranges.  What is shared stays so: only the tables above leaves become
 * this tree's alone.  -ENOMEM half-way, with everything in its old place or its
 * new one, unless as many tables were claimed as are needed.
 *
 * Leaves of [first, end), which are leaves' boundaries, go; gone() is told of
 * each before.  Needs TABLE_CUT_NEED at most.
 */
#define TABLE_CUT_NEED (2 * TABLE_LEVELS)
typedef void (*table_leaf_fn)(void *context, pgno_t base, const uint64_t *entries);
int table_cut(struct tables *tables, table_id_t root, pgno_t first, pgno_t end, table_leaf_fn gone,
	      void *context);
/*
 * Entries of [from, from + nr_pages) go to `to`, where there are none; slot
 * references go along.  Where the two are equal modulo a leaf, leaves go by one
 * store each; else entry by entry.  What is there all the same was moved before a
 * crash, and restored twice: doubled() is told of each such entry.
 */
typedef void (*table_entry_fn)(void *context, uint64_t entry);
int table_move(struct tables *tables, table_id_t root, pgno_t from, pgno_t to, uint64_t nr_pages,
	       table_entry_fn doubled, void *context);
/* Tables that it needs at most. */
uint64_t table_move_need(struct tables *tables, table_id_t root, pgno_t from, pgno_t to,
			 uint64_t nr_pages);
/* Tables that changing all entries of [first, end) needs at most. */
uint64_t table_change_need(struct tables *tables, table_id_t root, pgno_t first, pgno_t end);

#endif
