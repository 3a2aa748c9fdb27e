/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_LOOP_H
#define UPAGER_LOOP_H

#include "pager.h"

/*
 * The worker: one thread, one io_uring.  Order of a turn, which is worth more
 * than any tuning of the ring: take completions; read uffds and submit; COPY at
 * most LOOP_COPIES; read uffds and submit again; evict and keep books last.
 */
#define LOOP_COPIES 4

int loop_start(struct pager *pg);
/* Asks the worker to leave and waits for it. */
void loop_stop(struct pager *pg);

#endif
