/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_WAKEUP_H
#define UPAGER_WAKEUP_H

#include <stdbool.h>
#include <stdint.h>

#include "life/housekeeping.h"

/*
 * When housekeeping looks at a process next.  One that uses processor time or that
 * the pager works on is sampled every 5 ms; the longer another does nothing the
 * more rarely, for it cannot grow.  Those that are looked at rarely are looked
 * at together.  Ends of processes and agents, faults and forks wake housekeeping.
 */

/* Whether it is to be looked at now. */
bool wakeup_is_due(const struct proc *p, uint64_t now_ns);
/* It was: when again. */
void wakeup_plan(struct proc *p, uint64_t now_ns);
/* Whether something ended since. */
bool wakeup_any_ended(struct housekeeping *h);
/* Of all processes and spaces. */
uint64_t wakeup_next_ns(const struct housekeeping *h, uint64_t now_ns);

#endif
