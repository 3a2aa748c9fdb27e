/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_LATENCY_H
#define UPAGER_LATENCY_H

#include <stdbool.h>

/*
 * Keeps CPUs out of deep sleep (/dev/cpu_dma_latency at 0): waking one is most
 * of the time of a fault that needs no I/O.  Held while faults arrive only.
 */
struct latency {
	int fd; /* -1: not held */
};

void latency_hold(struct latency *lt, bool hold);

#endif
