/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is tracked.  Probes and tracepoints cost nothing while nobody is: they are armed before the
 * first entry and disarmed after the last.
 */
#ifndef _KMOD_TRACKING_H
#define _KMOD_TRACKING_H

#include <linux/types.h>
#include "uapi/upager.h"

struct pid;

/* Finds the tracepoints of fork, exec and exit; -ENODEV if the kernel lacks one. */
int tracking_init(void);

/* Is told of these of tracked processes and must not sleep; a parent_pid of 0 is none. */
typedef void (*tracking_announce_fn)(enum upager_cmd event, int pid, int parent_pid);
void tracking_announce(tracking_announce_fn fn);

/* From here on processes can be tracked: everything that an entry needs is there. */
void tracking_start(void);
/* Disarms for good, waits for the tracepoints' probes in flight, and lets go of every process. */
void tracking_stop(void);

/* As registry_add() and registry_remove() have it. */
int tracking_add(struct pid *pid, u32 portid);
int tracking_remove(struct pid *pid, u32 portid);

/* After an entry went by itself: disarms if it was the last. */
void tracking_check(void);

#endif /* _KMOD_TRACKING_H */
