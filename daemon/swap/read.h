/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_READ_H
#define UPAGER_READ_H

#include "pager.h"

/*
 * Reads of runs of slots in flight, each with its buffer: as many as the store
 * has buffers for.  Volatile: after a crash a read in flight never happened.
 * The worker's thread only.
 */
enum read_state {
	READ_FREE,
	READ_QUEUED, /* with the kernel */
	READ_READY, /* checked; the fill waits for events to be applied */
};

struct read {
	struct op op;
	struct pager *pg;
	struct space *sp;
	enum read_state state;
	struct run run;
	slot_t slot; /* of the first page; a reference is held on each */
	struct read_buffer buf;
	uint32_t tries;
	uint32_t tid;
	uint64_t begin_ns; /* of the fault; 0: nobody waits */
	uint64_t bad; /* bit per page whose data cannot be had */
};

struct reads {
	struct read read[STORE_READS];
	uint16_t free[STORE_READS];
	uint32_t nr_free;
	uint16_t busy[STORE_READS]; /* dense: the reads that are not free */
	uint32_t nr_busy;
};

/* done: what is called when one ends. */
int reads_init(struct pager *pg, void (*done)(void *context, struct op *op, int res));
void reads_fini(struct pager *pg);

/* One for a run of some of the pages wanted, or NULL: out of buffers. */
struct read *read_get(struct pager *pg, struct space *sp, uint32_t want);
/* The references on its slots are put. */
void read_put(struct read *rd);
/* That which covers a page, or NULL. */
struct read *read_find(struct pager *pg, const struct space *sp, pgno_t n);

#endif
