/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SIGNALS_H
#define UPAGER_SIGNALS_H

#include <stdbool.h>

/*
 * All threads, and the keeper: what ends or stops the daemon would stop every
 * program that it pages.  A few signals are read from a descriptor, the others
 * stay pending; but not those by which the kernel tells a bug.
 */
void signals_block(void);
/* The descriptor, or -errno. */
int signals_open(void);
/* Whether one of those that came asks it to stop. */
bool signals_read(int signal_fd);

#endif
