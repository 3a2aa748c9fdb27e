// SPDX-License-Identifier: LGPL-2.1-or-later
/* Swap areas that come and go. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/proto.h"
#include "lib/client.h"

#define ASK_AGAIN_NS 100000000L

static int ask(struct upager *u, enum upager_op op, const char *path, uint64_t arg,
	       int (*progress)(void *context, const char *text), void *context)
{
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_NS };
	int fd = open(path, O_PATH | O_CLOEXEC), err;
	struct upager_request req;

	if (fd < 0)
		return client_fail(u, -errno, strerror(errno));
	proto_init_request(&req, op, 0);
	req.arg = arg;
	for (;;) {
		err = client_ask(u, &req, fd, 0);
		if (err != -EINPROGRESS)
			break;
		if (progress && progress(context, u->reply.text)) {
			/* The daemon takes that for the end of it. */
			err = client_fail_connection(u, -ECANCELED);
			break;
		}
		nanosleep(&pause, NULL);
	}
	close(fd);
	return err;
}

int upager_swapon(struct upager *u, const char *path, int priority)
{
	if (priority < -UPAGER_PRIORITY_BIAS || priority > UPAGER_PRIORITY_BIAS)
		return client_fail(u, -EINVAL, "a priority is from -32767 to 32767");
	return ask(u, UPAGER_OP_SWAPON, path, (uint64_t)priority + UPAGER_PRIORITY_BIAS, NULL,
		   NULL);
}

int upager_swapoff(struct upager *u, const char *path,
		   int (*progress)(void *context, const char *text), void *context)
{
	return ask(u, UPAGER_OP_SWAPOFF, path, 0, progress, context);
}
