/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_WATCHDOG_H
#define UPAGER_WATCHDOG_H

#include "pager.h"

/*
 * Tells the service manager (WATCHDOG=1, see sd_notify(3)) as long as the worker
 * makes its rounds.  When it no longer does, the manager ends the daemon and starts
 * another, which takes over.  A thread of its own: what housekeeping waits for may
 * be a target.  Nothing is done where no manager asks for it.
 */
int watchdog_start(struct pager *pg);

#endif
