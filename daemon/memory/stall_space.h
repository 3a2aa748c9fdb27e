/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STALL_SPACE_H
#define UPAGER_STALL_SPACE_H

#include "pager.h"

/* The stall of a space, and with it that of all together.  The worker's. */

/* A thread of the program waits since now_ns. */
void stall_begin(struct pager *pg, struct space *sp, uint64_t now_ns);
/* Something was answered: it ends when nobody waits any more. */
void stall_look(struct pager *pg, struct space *sp);

#endif
