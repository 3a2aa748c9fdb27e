/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SESSIONS_H
#define UPAGER_SESSIONS_H

#include "control/session.h"

/* All connections of the control socket. */
#define SESSIONS_MAX	  256
#define SESSIONS_USER_MAX 64 /* of one user who is not root */
#define SESSIONS_ROOT	  32 /* are root's alone */

struct sessions {
	int listen_fd;
	struct session at[SESSIONS_MAX];
};

#endif
