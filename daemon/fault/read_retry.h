/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_READ_RETRY_H
#define UPAGER_READ_RETRY_H

#include "swap/read.h"

/*
 * Reads that fail: tried again after pauses that grow, for as long as pg->trouble
 * says, while others go on; and reads that the device does not answer.
 */

/* To the device, with a buffer. */
void read_send(struct read *rd);
/* Of one page.  False: it has been tried for long enough. */
bool read_pause(struct read *rd);
/* Sends those that are due. lose: called for each that takes too long. When to look next; 0: not. */
uint64_t read_look(struct pager *pg, uint64_t now_ns, void (*lose)(struct read *rd));
/* Whether the area of a slot does not answer, and has enough of the buffers. */
bool read_is_hopeless(struct pager *pg, slot_t slot);

struct area_health *read_health(struct pager *pg, slot_t slot);

#endif
