/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SIGNALS_H
#define UPAGER_SIGNALS_H

/*
 * All threads, and the keeper: what ends or stops the daemon would stop every
 * program that it pages.  A few signals are read from a descriptor, the others
 * stay pending; but not those by which the kernel tells a bug.
 */
void signals_block(void);
/* The descriptor, or -errno. */
int signals_open(void);
/* What has come since the last time. */
enum {
	SIGNALS_STOP = 1 << 0, /* it is to end */
	SIGNALS_KEYS = 1 << 1, /* and was told so at its terminal */
	SIGNALS_RELOAD =
		1 << 2, /* it is to read its configuration again; or its terminal was closed */
};
unsigned int signals_read(int signal_fd);

#endif
