/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STALL_H
#define UPAGER_STALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define STALL_RUNS (1ULL << 63)

/**
 * struct stall - the time in which at least one thread waited for a fault
 * @clock: while nobody waits, that time in nanoseconds; while somebody does,
 *	%STALL_RUNS and the moment at which the clock would have started if all of
 *	it had been in one piece
 *
 * What the kernel's pressure stall information calls "some" (kernel/sched/psi.c,
 * Documentation/accounting/psi.rst), which does not see waits for a userfaultfd.
 * A wait is counted from when the fault was read to when it was answered: the
 * kernel does not tell how long it had been there.
 *
 * Of "full", the part of it in which no thread can run, life/full_look.h takes samples: what
 * the other threads of a process do, the daemon cannot know at each fault.
 *
 * The worker writes; whoever reads gets one moment's value, as it is one word.
 */
struct stall {
	_Atomic uint64_t clock;
};

static inline bool stall_runs(const struct stall *st)
{
	return atomic_load_explicit(&st->clock, memory_order_relaxed) & STALL_RUNS;
}

static inline void stall_start(struct stall *st, uint64_t now_ns)
{
	uint64_t total_ns = atomic_load_explicit(&st->clock, memory_order_relaxed);

	atomic_store_explicit(&st->clock, STALL_RUNS | (now_ns - total_ns), memory_order_relaxed);
}

static inline void stall_stop(struct stall *st, uint64_t now_ns)
{
	uint64_t clock = atomic_load_explicit(&st->clock, memory_order_relaxed);

	atomic_store_explicit(&st->clock, now_ns - (clock & ~STALL_RUNS), memory_order_relaxed);
}

/* Two that are the same, and run: it did not stop in between. */
static inline uint64_t stall_clock(const struct stall *st)
{
	return atomic_load_explicit(&st->clock, memory_order_acquire);
}

/* In all until now. */
static inline uint64_t stall_ns(const struct stall *st)
{
	/* First: what started before this was read is not in the future then. */
	uint64_t clock = stall_clock(st);

	return clock & STALL_RUNS ? clock_ns() - (clock & ~STALL_RUNS) : clock;
}

#endif
