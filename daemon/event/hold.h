/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HOLD_H
#define UPAGER_HOLD_H

#include <stdbool.h>

#include "pager.h"

/*
 * The worker's handshake with a space's agent, before events are read or batches
 * are taken away from it.  True: it does nothing until hold_end().  False: it did
 * not let go, and is not asked again before worker.hold_at_ns; housekeeping,
 * which is told, ends an agent that never does (life/hung.h).
 */
bool hold_begin(struct pager *pg, struct space *sp);
void hold_end(struct space *sp);

#endif
