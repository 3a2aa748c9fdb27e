/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PATIENCE_H
#define UPAGER_PATIENCE_H

#include "life/housekeeping.h"

/*
 * Getting inside of a process waits for it, and everybody else for that: what
 * it took of housekeeping's time is charged to the process's owner, who gets a quarter of
 * it at most.  Root is not charged.
 */

/* Whether it may be begun now. */
bool patience_has(const struct housekeeping *h, uid_t uid);
/* It was, at begin_ns. */
void patience_charge(struct housekeeping *h, uid_t uid, uint64_t begin_ns);

#endif
