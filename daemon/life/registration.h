/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_REGISTRATION_H
#define UPAGER_REGISTRATION_H

#include "pager.h"

/*
 * Which mappings of a program that was taken over are registered, though it
 * changes them while they are read.  The housekeeping thread.
 */

/* Registers what can be paged and is not yet; sets *added if there may be pages to adopt. */
int registration_add(struct pager *pg, struct space *sp, bool *added);
/* All that was registered, when everything is in memory. */
void registration_remove(struct space *sp);

#endif
