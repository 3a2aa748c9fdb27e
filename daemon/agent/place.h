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
/* From what a control page says; false if nothing was mapped. */
bool place_recover(struct inject_place *pl, uint64_t staging_addr);

/*
 * Is it, whole or half made, mapped in the address space of @tid?  Told by what
 * stands in the places of code and inaccessible pages, for the program may have
 * put something else there since.
 */
int place_mapped(pid_t tid, const struct inject_place *pl, bool *mapped);

#endif
