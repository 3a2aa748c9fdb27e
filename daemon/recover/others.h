/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_OTHERS_H
#define UPAGER_OTHERS_H

#include <stdbool.h>

/*
 * The state directories of other pagers below that of the first (domain/). As long as
 * one of them is kept its keeper has the areas open, and so must that of the first.
 */
#define OTHERS_DIR "domains"
/* From one of them to that of the first. */
#define OTHERS_UP  "../.."

/* Whether that state is kept by somebody, daemon or keeper. */
bool others_kept(int dir_fd);
/* Whether any below that state directory is. */
bool others_any_kept(int state_dir_fd);

#endif
