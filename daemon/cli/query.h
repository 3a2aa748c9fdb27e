/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_QUERY_H
#define UPAGER_QUERY_H

#include <sys/types.h>

#include "control/report.h"

/*
 * Asks the module for its report of a process.  Prints one line and returns
 * another exit code (enum upager_exit) than 0 if there is none.
 */
int query_read(pid_t pid, struct report *report);

#endif
