/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PLACE_H
#define UPAGER_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/inject.h"

/* The code is mapped from a memfd of this name. */
#define PLACE_CODE_NAME "upager-agent"

/*
 * One reservation from ctl_addr to the end of staging; inaccessible pages
 * around the stack.
 */
void place_layout(struct inject_place *pl, uint64_t base, uint64_t code_bytes);
uint64_t place_bytes(const struct inject_place *pl);

/*
 * Is it still mapped in the address space of @tid?  Told by the mappings of
 * our files, for the program may have put something else there since.
 */
int place_mapped(pid_t tid, const struct inject_place *pl, bool *mapped);

#endif
