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
 * One reservation from ctl_addr to the end of staging, with an inaccessible
 * page on each side of the stack.
 */
void place_layout(struct inject_place *pl, uint64_t base);
uint64_t place_bytes(const struct inject_place *pl);
/*
 * An address in the middle of the largest hole of the address space, 0 if that
 * cannot be told.  The kernel fills holes from their ends, and a program may
 * unmap something and map it again with MAP_FIXED: nothing of ours may have
 * come to lie there in between.
 */
uint64_t place_hint(pid_t pid);
/* From what a control page says; false if nothing was mapped. */
bool place_recover(struct inject_place *pl, uint64_t staging_addr);

/*
 * Is it, whole or half made, mapped in the address space of @tid?  Told by what
 * stands in the places of code and inaccessible pages, for the program may have
 * put something else there since.
 */
int place_mapped(pid_t tid, const struct inject_place *pl, bool *mapped);

#endif
