/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOP_BATCH_H
#define UPAGER_TOP_BATCH_H

#include <stdint.h>

#include "cli/top/view.h"

/* Prints a sample and so many looks in all, one after the other; 0: until it is ended. An exit code. */
int top_batch(struct top_view *v, struct top_sample *s, uint64_t looks);

#endif
