// SPDX-License-Identifier: GPL-2.0-only
#include "domain/handover.h"

#include <string.h>

#include "control/proto.h"

int handover_send(int to_fd, int connection, const struct upager_request *req, int target,
		  bool is_final)
{
	struct handover ho = { .magic = HANDOVER_MAGIC, .is_final = is_final };
	const int fd[2] = { connection, target };

	if (req) {
		ho.has_request = true;
		ho.request = *req;
	}
	return proto_send_fds(to_fd, &ho, sizeof(ho), fd, target >= 0 ? 2 : 1);
}

bool handover_is(const void *packet, size_t len)
{
	struct handover ho;

	if (len != sizeof(ho))
		return false;
	memcpy(&ho, packet, sizeof(ho));
	return ho.magic == HANDOVER_MAGIC;
}
