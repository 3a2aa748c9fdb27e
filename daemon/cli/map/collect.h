/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_COLLECT_H
#define UPAGER_MAP_COLLECT_H

#include "cli/map/model.h"

/*
 * Looks at a process: by /proc, and what pager and module add where they are.  command: who asks,
 * for the remedy.  Prints one line and returns another exit code (enum upager_exit) than 0 if it
 * cannot; map_free() is the caller's after 0 only.
 */
int map_collect(pid_t pid, const char *command, struct map *m);

#endif
