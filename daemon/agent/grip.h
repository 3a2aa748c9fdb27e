/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_GRIP_H
#define UPAGER_GRIP_H

#include <stdint.h>

/*
 * The grip of an agent: a pipe into which it puts pages by reference.  Who is
 * held cannot be discarded by the kernel, and what is read from the pipe is what
 * is in the page by then.
 */

/*
 * Both ends in one descriptor, non-blocking and close-on-exec, or -errno.  The
 * pages that it can hold count as the caller's user's.
 */
int grip_make(uint32_t *nr_pages);

#endif
