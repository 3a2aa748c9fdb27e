/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HANDOVER_H
#define UPAGER_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "uapi/upager_proto.h"

/*
 * A client's connection on its way from one pager to another, with what it asked for
 * last, if that is to be answered there. Between pagers only: a packet of this shape on a
 * connection of root's, with the client's connection as descriptor, and the process's if
 * the request has one. The client sees nothing of it.
 */
#define HANDOVER_MAGIC 0x4f444e48u /* "HNDO" */

struct handover {
	__u32 magic;
	__u16 has_request;
	__u16 is_final; /* the request is answered there, whatever is there */
	struct upager_request request;
};

/* target: -1 or a descriptor that came with the request; req may be NULL. The descriptors stay. */
int handover_send(int to_fd, int connection, const struct upager_request *req, int target,
		  bool is_final);
/* Whether that is one; of another length it is none. */
bool handover_is(const void *packet, size_t len);

#endif
