/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FULL_H
#define UPAGER_FULL_H

#include <stdbool.h>
#include <stdint.h>

#include "life/pressure.h"

/**
 * struct full - how much of a stall was one in which nobody could run
 * @decided_ns: so much of the stall was found to be that, or not to be
 * @total_ns: so much of it was
 * @next_ns: it is not looked again before
 * @several: there was more than one thread when it was looked last
 *
 * What the kernel's pressure stall information calls "full": somebody waits, and
 * no thread is runnable (kernel/sched/psi.c).  The kernel is told of each switch; here a
 * sample of the threads' states, taken while somebody waits, decides on all of the stall
 * since the sample before.  Where there is one thread it is all of it, without a sample.
 */
struct full {
	uint64_t decided_ns;
	uint64_t total_ns;
	uint64_t next_ns;
	bool several;
	struct pressure pressure;
};

#endif
