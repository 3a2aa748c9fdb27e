/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SESSIONS_H
#define UPAGER_SESSIONS_H

#include "control/session.h"
#include "domain/domains.h"

/* All connections of the control socket. */
#define SESSIONS_MAX QUOTA_CONNECTIONS_MAX

struct sessions {
	int listen_fd;
	struct quotas quotas;
	struct domains *domains; /* pagers of users, if there are */
	struct session at[SESSIONS_MAX];
};

#endif
