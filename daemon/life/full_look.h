/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FULL_LOOK_H
#define UPAGER_FULL_LOOK_H

#include <stdbool.h>

#include "life/full.h"
#include "life/proc.h"

/* Housekeeping: of @first, or with @rest of all that follow, too; @st is their stall. */
void full_look(struct full *full, const struct stall *st, const struct proc *first, bool rest);

#endif
