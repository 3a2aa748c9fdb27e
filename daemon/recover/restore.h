/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RESTORE_H
#define UPAGER_RESTORE_H

#include "pager.h"

/*
 * What a daemon that died has left becomes what its worker had: spaces with
 * their tables, pools and agents, and the counts of tables and slots.  Before
 * the worker runs; nothing that the program could notice happens.  Whatever was
 * under way is settled from the tables and from what the kernel says is where,
 * so that it may be done again by a third daemon.  -errno is logged.
 */
int restore_all(struct pager *pg);
/* The old keeper is gone: agents go on, and who waited for the dead daemon faults again. */
void restore_wake(struct pager *pg);

#endif
