/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PAUSE_H
#define UPAGER_PAUSE_H

#include <stdint.h>

#include "life/proc.h"
#include "pager.h"

/*
 * Stops every thread while the space is brought under its budget: where MOVE
 * is missing, and where a program grows by mappings that are not registered
 * yet faster than rescans find them.
 */
void pause_step(struct pager *pg, struct proc *p, uint64_t now_ns);
void pause_end(struct proc *p);

#endif
