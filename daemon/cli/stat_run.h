/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STAT_RUN_H
#define UPAGER_STAT_RUN_H

#include "cli/stat_show.h"

/* The program's exit status, of the last run; or what failed before it was started. */
int stat_run(const struct stat_run *run);

#endif
