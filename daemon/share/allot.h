/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ALLOT_H
#define UPAGER_ALLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "life/housekeeping.h"
#include "life/proc.h"

/*
 * What each process may have of the budget of its family, and all of them of
 * the daemon's limit.  Who faults wants what it has outside; who has not for a
 * second, where others are short, gives a sixteenth of what it has each second:
 * the page fault frequency of Chu and Opderbeck (AFIPS 1972) tells who needs
 * memory.  The housekeeping thread.
 */
void allot(struct housekeeping *h, uint64_t now_ns);

/*
 * Whether a process, or its family, has more than it may: not by the little
 * that eviction lags behind, which a fork's child is born with.
 */
bool allot_exceeded(const struct housekeeping *h, const struct proc *p);

/* Whether the process has so much that 1/part of what it may have is reached. */
bool allot_near(const struct housekeeping *h, const struct proc *p, uint32_t part);

#endif
