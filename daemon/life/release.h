/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RELEASE_H
#define UPAGER_RELEASE_H

#include "life/housekeeping.h"

/* A process is no longer taken care of: it has ended, or nothing of ours is in it any more. */
void release_proc(struct housekeeping *h, struct proc *p);

#endif
