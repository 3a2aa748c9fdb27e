/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_NEXT_LOOK_H
#define UPAGER_NEXT_LOOK_H

#include "pager.h"

#define ROOM_LOOK_NS (5 * NS_PER_MS)

/* Worker: time of the next look at a space for its own sake, 0: what it waits for wakes. */
uint64_t space_next_look(const struct pager *pg, const struct space *sp, uint64_t now_ns);
/* Nothing is in hand; whatever is to be done about it is told, or a matter of time. */
bool space_is_quiet(const struct space *sp);

#endif
