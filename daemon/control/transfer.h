/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TRANSFER_H
#define UPAGER_TRANSFER_H

#include "control/sessions.h"

/*
 * Where users have pagers of their own (domain/), a connection goes to the one that
 * answers its next request, without the client's noticing: a user's to his own when
 * it is made; root's, who may ask for anybody's programs, from request to request.
 */

/* The descriptors stay. 0 or -errno, for which there is a clause. */
int transfer_to_user(struct sessions *ss, uid_t uid, int fd, const struct upager_request *req,
		     int target);
const char *transfer_refusal(int err);
/* Answers whose those pagers are. */
void transfer_tell(const struct sessions *ss, struct session *s);
/* True: the session's request is another pager's to answer; the session is over or answered. */
bool transfer_request(struct sessions *ss, struct session *s, struct housekeeping *h,
		      const struct upager_request *req, int target);

#endif
