/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_DISABLE_H
#define UPAGER_DISABLE_H

#include <stdbool.h>

/*
 * UPAGER_DISABLE: what the kernel has and the daemon is to do without, so that
 * tests run the fallbacks on a new kernel.
 */

/* -EINVAL after one line on stderr: it names something unknown. */
int disable_check(void);
bool disabled(const char *name);

#endif
