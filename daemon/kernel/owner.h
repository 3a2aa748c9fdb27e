/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_OWNER_H
#define UPAGER_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether real, effective and saved uid of a process are this one and it is
 * dumpable, so that its user may do with it as he likes.
 */
bool owner_is(pid_t pid, uid_t uid);
/* That uid, dumpable or not; 0: they differ, or it cannot be told. */
uid_t owner_of(pid_t pid);

#endif
