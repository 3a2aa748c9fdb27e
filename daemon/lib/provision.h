/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBUPAGER_PROVISION_H
#define LIBUPAGER_PROVISION_H

#include "lib/client.h"

/*
 * Maps what a join gave, makes the userfaultfd and starts the agent.  Takes the
 * descriptors.  On error nothing of it is left, and the answer says why.
 */
int provision_wear(struct upager *u, const struct upager_provision *provision,
		   int fd[UPAGER_PROVISION_FDS]);
void provision_close(int fd[UPAGER_PROVISION_FDS]);

#endif
