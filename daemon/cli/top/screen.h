/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOP_SCREEN_H
#define UPAGER_TOP_SCREEN_H

#include <stdint.h>

#include "cli/top/view.h"

/*
 * The live view of a sample, until q, a signal or so many looks (0: no end).  An exit code; what a
 * signal ended dies of it, when the terminal is as it was.
 */
int top_screen(struct top_view *v, struct top_sample *s, uint64_t looks);

#endif
