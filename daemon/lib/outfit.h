/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBUPAGER_OUTFIT_H
#define LIBUPAGER_OUTFIT_H

#include "lib/client.h"

/*
 * Maps what a join gave, makes the userfaultfd and starts the agent.  Takes the
 * descriptors.  On error nothing of it is left, and the answer says why.
 */
int outfit_wear(struct upager *u, const struct upager_outfit *outfit, int fd[UPAGER_OUTFIT_FDS]);
void outfit_close(int fd[UPAGER_OUTFIT_FDS]);

#endif
