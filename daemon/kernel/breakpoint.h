/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_BREAKPOINT_H
#define UPAGER_BREAKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/perf_event.h>

/* A perf event that counts, or signals, each time before the thread runs the instruction at @pc. */
struct perf_event_attr breakpoint_at(uint64_t pc);

/*
 * Does one ever fire?  Under some hypervisors breakpoints are accepted and never
 * do: the debug registers that the guest sets are not the processor's.
 */
bool breakpoint_fires(void);

#endif
