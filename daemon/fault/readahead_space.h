/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_READAHEAD_SPACE_H
#define UPAGER_READAHEAD_SPACE_H

#include "memory/space.h"

/*
 * readahead_plan(), with what the program said of the memory around: RANDOM
 * reads nothing ahead and is no stream (*stream stays), SEQUENTIAL reads as far
 * as may be and leaves what lies behind as victims.
 */
struct run readahead_of_space(struct space *sp, pgno_t n, uint32_t limit, uint32_t *stream);

#endif
