/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TABLE_PRIVATE_H
#define UPAGER_TABLE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "memory/table.h"

/*
 * The file that the tables live in, of which nobody but table*.c knows.  A table that is free is either populated, so that nothing can go wrong
 * when it is used, or bare: its page was given back to the file system.
 */
#define TABLES_MAX     (1u << 22) /* 16 GiB of sparse file */
#define TABLES_KEPT    256u /* for what cannot wait, and as many again for what should not */
#define TABLES_RESERVE (4 * TABLES_KEPT) /* free ones that are kept populated */

struct tables {
	uint64_t (*entry)[TABLE_ENTRIES]; /* the file */
	struct slots *slots;
	uint32_t *refs; /* per table: tables (or roots) that link it */
	uint16_t *used; /* per table: entries that are not 0 */
	uint8_t *levels; /* per table, while they are restored: how far above the leaves it is */
	pthread_mutex_t lock; /* the two stacks, next and claimed; held for look-ups only */
	uint32_t *free; /* stack of populated ones */
	uint32_t *bare; /* stack of others */
	_Atomic uint32_t nr_free;
	uint32_t nr_bare;
	uint32_t next; /* ids from here on were never used, and are bare */
	uint32_t claimed; /* the worker goes on in the belief that there are so many */
	_Atomic uint64_t nr_used;
	_Atomic bool full; /* the worker found no room */
	bool keeps_holes; /* housekeeping: the file system cannot give pages back */
	int fd;
	int dir_fd;
};

static inline unsigned int table_index(pgno_t pg, int level)
{
	return (unsigned int)(pg.v >> (TABLE_BITS * level)) & (TABLE_ENTRIES - 1);
}

static inline uint64_t table_load(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

static inline void table_store(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* The file, and counts of nothing. */
int tables_map(struct tables **tables, struct slots *slots, int state_dir_fd, bool old);
/* Until so many are free; false: no room for all of them. */
bool tables_grow(struct tables *t, uint32_t want);

/* An empty table with one user; v == 0: there is none. */
table_id_t table_new(struct tables *t);
/* Nothing links it any more. */
void table_free(struct tables *t, uint32_t id);

/* A table has lost a user; the last one's leaves put their slots. */
void table_put(struct tables *t, uint32_t id, int level);
/*
 * Makes the path to the table of a level, which pg is below, this tree's alone:
 * path[level] and above are set.  1; 0: there is none, and none is to be made;
 * -ENOMEM: out of tables.
 */
int table_own(struct tables *t, table_id_t root, pgno_t pg, int level, bool make,
	      uint32_t path[TABLE_LEVELS]);
/* Takes tables that have become empty out of the path, from a level up to below the root. */
void table_prune(struct tables *t, const uint32_t path[TABLE_LEVELS], pgno_t pg, int level);

#endif
