/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_BUSY_H
#define UPAGER_BUSY_H

#include "pager.h"

/*
 * The spaces that the worker looks at in each turn.  Of a thousand children that
 * wait for something else none is one: it becomes busy when the kernel, the agent
 * or a timer says something about it, and all do when housekeeping kicks, a fork
 * brings a new one, or the worker has not looked at all of them for a while.
 */
struct busy {
	uint32_t *id;
	uint32_t nr;
	bool *is; /* by space id */
	uint64_t timer_ns; /* when one of the others is to be looked at, 0: never */
	uint64_t all_ns; /* when all were */
};

int busy_init(struct busy *b);
void busy_fini(struct busy *b);

void busy_add(struct busy *b, uint32_t id);
/* All that there are now. */
void busy_add_all(struct busy *b, const struct pager *pg);
/* Those that are due by time. */
void busy_add_due(struct busy *b, const struct pager *pg, uint64_t now_ns);
/* The ith: nothing is to be done about it before then, 0: what it waits for tells. */
void busy_remove(struct busy *b, uint32_t i, uint64_t next_ns);

#endif
