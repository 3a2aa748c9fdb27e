/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_QUERY_H
#define UPAGER_QUERY_H

#include <sys/types.h>

#include "control/report.h"

/*
 * Asks the module without a word.  -ENXIO: it is not loaded; -ENOENT or -ESRCH: no such process for
 * this user; -EPROTONOSUPPORT: another version; or another -errno.
 */
int query_ask(pid_t pid, struct report *report);

/* One line about what query_ask() returned; an exit code (enum upager_exit). */
int query_fail(pid_t pid, int err);

#endif
