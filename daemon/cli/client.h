/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CLIENT_H
#define UPAGER_CLIENT_H

#include "lib/upager.h"

/* Connects to the daemon; prints why not and returns the exit code. */
int client_open(struct upager **u);

/* One clause for a failed upager_open(). */
void client_open_cause(int err, char *cause, size_t size);

/*
 * What a command exits with after a call that returned err; prints the
 * daemon's text, if there is one, as it is.
 */
int client_report(const struct upager *u, int err);

#endif
