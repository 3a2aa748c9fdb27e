/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PAGEOUT_H
#define UPAGER_PAGEOUT_H

#include <stdbool.h>

/*
 * Whether MADV_PAGEOUT, after MADV_FREE, discards pages but for those that
 * somebody holds by a plain reference.  Tried with pages of the caller.
 */
bool pageout_spares_held(void);

#endif
