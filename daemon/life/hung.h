/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HUNG_H
#define UPAGER_HUNG_H

#include "memory/space.h"

/*
 * An agent that keeps others waiting is ended: the worker, before it reads the
 * program's events, or, when the program is gone, the memory that it keeps.  Its
 * control page and its processor time are the program's to spoil.  What it had
 * moved is settled as of any dead agent; the program is served on, without
 * eviction.
 */
void hung_look_after(struct space *sp);

#endif
