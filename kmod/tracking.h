/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is tracked.  Probes and tracepoints cost nothing while nobody is: they are armed before the
 * first entry and disarmed soon after the last.
 */
#ifndef _KMOD_TRACKING_H
#define _KMOD_TRACKING_H

#include <linux/types.h>
#include "tracked.h"

struct pid;

/* Finds the tracepoints of fork, exec and exit; -ENODEV if the kernel lacks one. */
int tracking_init(void);

/* From here on processes can be tracked: everything that an entry needs is there. */
void tracking_start(void);
/* Is told of each event, before others are: an end's counts can be read from here on. */
void tracking_tell(struct tracked *tracked, enum event_kind kind);
/*
 * Disarms for good, waits for the tracepoints' probes in flight, and lets go of every process but
 * those of open files.
 */
void tracking_stop(void);

/* As registry_add() and registry_remove() have it; NULL: of who may track anything. */
int tracking_add(struct pid *pid, struct owner *owner);
int tracking_remove(struct pid *pid, struct owner *owner);
int tracking_add_socket(struct pid *pid, u32 portid);
int tracking_remove_socket(struct pid *pid, u32 portid);

/* Bits of enum upager_feature: what works. */
u64 tracking_features(void);

#endif /* _KMOD_TRACKING_H */
