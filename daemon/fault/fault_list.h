/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FAULT_LIST_H
#define UPAGER_FAULT_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

/* A missing-page (or write-protect) fault that was read and is not answered. */
struct fault {
	pgno_t page;
	uint64_t begin_ns;
	uint32_t tid; /* in the target's pid namespace; 0 unknown */
	bool write_protect;
	bool throttled; /* counted as such */
	bool waits; /* a thread of the program does, until it is answered */
	uint8_t tries; /* times found absent though RESIDENT */
	uint32_t space; /* id of the space whose list it is in */
	uint32_t next; /* node index, 0 end */
	uint32_t next_alike; /* in its bucket, likewise */
};

/*
 * Faults that wait, in lists over one array of nodes that is allocated at
 * start.  A thread that a signal interrupts faults again when its handler has
 * returned: one that waits already is not added.  The worker's own; no locks.
 */
struct fault_nodes {
	struct fault *node;
	uint32_t *bucket; /* first node of each, 0 none */
	uint32_t nr_buckets; /* a power of two */
	uint32_t free;
	uint32_t nr_free;
};

struct fault_list {
	uint32_t head;
	uint32_t tail;
	uint32_t nr;
	uint32_t nr_waits; /* of them those that a thread waits for */
};

int fault_nodes_init(struct fault_nodes *nodes, uint32_t nr);
void fault_nodes_fini(struct fault_nodes *nodes);

/*
 * The caller keeps nr_free above what it reads in one batch, so this succeeds.
 * Of the same page, thread and space it keeps the one that came first.
 */
void fault_list_add(struct fault_nodes *nodes, struct fault_list *list, struct fault f);
bool fault_list_take(struct fault_nodes *nodes, struct fault_list *list, struct fault *f);

#endif
