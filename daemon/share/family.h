/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FAMILY_H
#define UPAGER_FAMILY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "life/terms.h"
#include "share/share.h"

/*
 * Processes with one budget together: one that was named, and its descendants
 * from then on, whoever of them ends first.  Housekeeping's own.
 */
struct family {
	uint32_t id;
	pid_t leader; /* who was named; may have ended */
	uint64_t budget_bytes;
	uint32_t weight;
	uint32_t nr_procs; /* at the last look */
	uint32_t nr_paged; /* of those, from whom pages can be taken */
	struct claim claim;
	struct family *next;
};

struct families {
	struct family *first;
	uint32_t last_id;
};

/* NULL: no memory. */
struct family *family_new(struct families *fs, pid_t leader, uint64_t budget_bytes,
			  uint32_t weight);
/* The one that the terms of a process name, of which the daemon before this one knew. */
bool family_restore(struct families *fs, const struct terms *terms, pid_t leader);
/* NULL: none has this id; 0 is nobody's. */
struct family *family_find(const struct families *fs, uint32_t id);
void family_free(struct families *fs, struct family *f);

#endif
