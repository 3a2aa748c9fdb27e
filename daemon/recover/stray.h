/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STRAY_H
#define UPAGER_STRAY_H

#include "pager.h"
#include "recover/write_record_format.h"

/*
 * The file "writes": slots that may be written, from before a write is submitted
 * until it has completed.  After the death of a daemon its writes may land for
 * seconds to come [F5]; nobody tells when.  So their slots stay in use:
 *
 * - until the device gives back what was to be written: each page has its
 *   checksum, and a device that shows the data has no more to do about it;
 * - or until STRAY_MAX_NS has passed, which no request of a device survives:
 *   the block layer's own limits are tens of seconds.  What would come later
 *   still is found by the checksum of whoever has the slot then: SIGBUS, not a
 *   wrong page.
 *
 * The device being idle says less: /sys counts requests of local devices only,
 * not what a network holds, and the queue of others is never empty.
 */

/* Maps the file; takes a reference of each stray's slots.  Within slots_recount_*. */
int stray_restore(struct pager *pg);
/* Starts the thread that lets go of strays, if there are some. */
int stray_start(struct pager *pg);

#endif
