/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SOFT_DIRTY_H
#define UPAGER_SOFT_DIRTY_H

#include <stdbool.h>

#include "base/types.h"

/*
 * Soft-dirty bits: a process (or who watches it) clears them all through
 * /proc/PID/clear_refs and asks pagemap later which pages were written.  What a
 * page was written since is lost when it leaves.  A mapping has such a bit, too:
 * set when it is made and cleared like the others, and shown of a page where
 * nothing is mapped.
 */

/* Whether this kernel has them. */
bool soft_dirty_exists(void);
/* Of a page where nothing is mapped; where it cannot be told, true. */
bool soft_dirty_is_set(int pagemap_fd, pgno_t n);

#endif
