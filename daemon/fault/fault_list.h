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
	uint8_t tries; /* times found absent though RESIDENT */
	uint32_t next; /* node index, 0 end */
};

/*
 * Faults that wait, in lists over one array of nodes that is allocated at
 * start.  The worker's own; no locks.
 */
struct fault_nodes {
	struct fault *node;
	uint32_t free;
	uint32_t nr_free;
};

struct fault_list {
	uint32_t head;
	uint32_t tail;
	uint32_t nr;
};

int fault_nodes_init(struct fault_nodes *nodes, uint32_t nr);
void fault_nodes_fini(struct fault_nodes *nodes);

/* The caller keeps nr_free above what it reads in one batch, so this succeeds. */
void fault_list_add(struct fault_nodes *nodes, struct fault_list *list, struct fault f);
bool fault_list_take(struct fault_nodes *nodes, struct fault_list *list, struct fault *f);

#endif
