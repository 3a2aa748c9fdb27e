/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FORK_H
#define UPAGER_FORK_H

#include <stdbool.h>

#include "pager.h"

/*
 * A fork's child: it shares the parent's page tables as they stand when the
 * event is applied, which is the state in which the kernel copied the address
 * space, since nothing can be filled or moved while the event is unread.
 */

/*
 * What of the parent's standby is not on the device yet is copied for the child;
 * false: too much of that waits for the device already.
 */
bool fork_may_apply(const struct pager *pg, const struct space *sp);
void fork_apply(struct pager *pg, struct space *parent, int child_uffd);

#endif
