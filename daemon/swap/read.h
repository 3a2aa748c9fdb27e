/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_READ_H
#define UPAGER_READ_H

#include "pager.h"

/*
 * Reads of runs of slots in flight, each with its buffer, and those that failed and
 * wait for another try, without one.  Volatile: after a crash a read in flight never happened.
 * The worker's thread only.
 */
enum read_state {
	READ_FREE,
	READ_QUEUED, /* with the kernel */
	READ_READY, /* checked; the fill waits for events to be applied */
	READ_PAUSED, /* failed; for the next try */
	READ_HUNG, /* given up; the device still has the buffer, but no space the read */
};

struct read {
	struct op op;
	struct pager *pg;
	struct space *sp;
	enum read_state state;
	struct run run;
	pgno_t page; /* of the fault, or the first */
	slot_t slot; /* of the first page; a reference is held on each */
	struct read_buffer buf;
	uint32_t tries;
	uint32_t tid;
	uint64_t begin_ns; /* of the fault; 0: nobody's */
	bool ahead; /* nobody asked for it; somebody may since */
	bool waited; /* a thread of the program waits for it: counted in its space */
	uint64_t queued_ns; /* to the device */
	uint64_t failed_ns; /* first; 0: never */
	uint64_t again_ns; /* PAUSED: next try */
	uint64_t pause_ns; /* before that */
	uint64_t bad; /* bit per page whose data cannot be had */
};

/* So many may be PAUSED, and others still go on. */
#define READS_PAUSED_MAX 768
#define READS_MAX	 (STORE_READS + READS_PAUSED_MAX)

struct reads {
	struct read read[READS_MAX];
	uint16_t free[READS_MAX];
	uint32_t nr_free;
	uint16_t busy[READS_MAX]; /* dense: the reads that are not free */
	uint32_t nr_busy;
	uint32_t nr_paused;
	uint64_t look_ns; /* at those that are paused or late: next */
};

/* done: what is called when one ends. */
int reads_init(struct pager *pg, void (*done)(void *context, struct op *op, int res));
void reads_fini(struct pager *pg);

/* One for a run of some of the pages wanted, or NULL: out of buffers. */
struct read *read_get(struct pager *pg, struct space *sp, uint32_t want);
/* A thread of the program waits for it, or not. */
void read_wait(struct read *rd, bool waits);
/* Nobody does any more. */
void read_wait_end(struct read *rd);
/* The references on its slots are put. */
void read_put(struct read *rd);
/* There is one that covers the page; waits: so does a thread. */
bool read_join(struct pager *pg, const struct space *sp, pgno_t n, bool waits);
/* That which covers a page, or NULL. */
struct read *read_find(struct pager *pg, const struct space *sp, pgno_t n);

#endif
