// SPDX-License-Identifier: GPL-2.0-only
/*
 * self_join FD: asks the daemon to join again and again, through a connection
 * that the program executed before it has left open, and takes nothing of what
 * it is offered.  Exits 0 when every packet had an answer.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "uapi/upager_proto.h"

#define LAST_S 1

int main(int argc, char **argv)
{
	struct upager_request req = {
		.magic = UPAGER_PROTO_MAGIC,
		.version = UPAGER_PROTO_VERSION,
		.op = UPAGER_OP_JOIN,
	};
	int fd = argc > 1 ? atoi(argv[1]) : -1;
	time_t end = time(NULL) + LAST_S;
	char packet[4096];

	while (time(NULL) <= end) {
		if (send(fd, &req, sizeof(req), MSG_NOSIGNAL) != (ssize_t)sizeof(req) ||
		    recv(fd, packet, sizeof(packet), 0) <= 0)
			return 3;
		/* The provision, where one was offered. */
		while (recv(fd, packet, sizeof(packet), MSG_DONTWAIT) > 0)
			;
	}
	return 0;
}
