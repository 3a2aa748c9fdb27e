/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_ARMING_H
#define _KMOD_ARMING_H

/*
 * Probes and tracepoints cost nothing while nothing is tracked: they are armed before the first
 * entry and disarmed after the last.
 */

/* From here on processes can be tracked: everything that an entry needs is there. */
void arming_start(void);
/* Disarms for good, and waits for the tracepoints' probes in flight: nobody adds entries then. */
void arming_stop(void);

/* Arms, and keeps armed until arming_end(); who adds an entry but for a fork is between the two. */
int arming_begin(void);
void arming_end(void);

/* After an entry was taken out: disarms if it was the last. */
void arming_check(void);

#endif /* _KMOD_ARMING_H */
