/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_QUARANTINE_H
#define UPAGER_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

/*
 * Ranges whose REMOVE event was read.  The program's madvise() zaps them only
 * after that, and MADV_FREE leaves them there; a page of them that looks
 * present must not be taken for the program's until it is known that nobody is
 * inside madvise() any more [F3].
 */
#define QUARANTINE_RANGES 64

struct quarantine {
	struct {
		pgno_t first;
		pgno_t end;
		uint64_t read_ns;
	} at[QUARANTINE_RANGES];
	uint32_t nr;
	uint64_t all_ns; /* there were too many: everything up to then */
};

void quarantine_add(struct quarantine *q, pgno_t first, pgno_t end, uint64_t now_ns);
/* Nobody has been inside madvise() since before safe_ns. */
void quarantine_release(struct quarantine *q, uint64_t safe_ns);
bool quarantine_contains(const struct quarantine *q, pgno_t pg);

static inline bool quarantine_empty(const struct quarantine *q)
{
	return !q->nr && !q->all_ns;
}

#endif
