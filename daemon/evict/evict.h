/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_EVICT_H
#define UPAGER_EVICT_H

#include "pager.h"

/*
 * The life of an eviction: evict_begin() chooses and posts, settle.c takes what
 * the agent moved into standby, writeback.c sends what is dirty to the device
 * and is the end.  The worker's thread only.
 */

/* Posts batches while the space is above its start mark. */
void evict_begin(struct pager *pg, struct space *sp);

#endif
