/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_PROBES_H
#define _KMOD_PROBES_H

#include <linux/types.h>

/* Finds the places where a write to a private page ends; nothing is armed by it. */
void probes_init(void);
/* Waits for handlers in flight. */
void probes_fini(void);

/* The caller serializes; after disarming a handler may still run. */
int probes_arm(void);
void probes_disarm(void);
/* Nobody is tracked: what was lost until now is nobody's. */
void probes_renew(void);

/*
 * Bits of enum upager_feature for what was found and fires: tried now and, while they are armed,
 * whenever it was asked since.  Where they are not, the caller serializes.
 */
u64 probes_features(bool armed);

/* Hits that could not be counted since they were armed. */
u64 probes_missed(void);

#endif /* _KMOD_PROBES_H */
