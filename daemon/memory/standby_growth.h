/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STANDBY_GROWTH_H
#define UPAGER_STANDBY_GROWTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "memory/standby_part.h"

/*
 * How a pool gets another size: evict/pool.c says that it wants one, life/pool_memory.c
 * has the memory.  As long as something is wanted or offered the pool has the
 * parts that it had then.
 */
struct standby_growth {
	_Atomic uint32_t wanted; /* worker: so many places; housekeeping makes it 0 again */
	struct standby_part *_Atomic offered; /* housekeeping; NULL again when taken */
	struct standby_part *_Atomic shed; /* worker; NULL again when it is freed */
	_Atomic int error; /* housekeeping: why there was none the last time, 0: there was */
	bool error_said; /* housekeeping */
	/* The worker's. */
	bool is_short; /* places were looked for and none was FREE */
	uint64_t asked_ns;
	uint64_t used_ns; /* places were given out */
};

#endif
