/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_LIFECYCLE_H
#define _KMOD_LIFECYCLE_H

#include <linux/types.h>

/* Finds the tracepoints of fork, exec and exit; -ENODEV if the kernel lacks one. */
int lifecycle_init(void);

/* The caller serializes; after disarming a probe may still run. */
int lifecycle_arm(void);
void lifecycle_disarm(void);

#endif /* _KMOD_LIFECYCLE_H */
