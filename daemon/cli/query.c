// SPDX-License-Identifier: GPL-2.0-only
#include "cli/query.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/message.h"
#include "uapi/upager_proto.h"

#define QUERY_PATH  "/proc/upager/query"
#define FIRST_BYTES 65536

static int ask(int fd, pid_t pid)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", pid);

	return write(fd, text, (size_t)len) < 0 ? -errno : 0;
}

/* The rest of the file; the caller frees *text also after an error. */
static int read_all(int fd, char **text, size_t *bytes)
{
	size_t room = 0;

	*text = NULL;
	*bytes = 0;
	for (;;) {
		ssize_t n;

		if (*bytes == room) {
			char *more = realloc(*text, room ? 2 * room : FIRST_BYTES);

			if (!more)
				return -ENOMEM;
			*text = more;
			room = room ? 2 * room : FIRST_BYTES;
		}
		n = read(fd, *text + *bytes, room - *bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		*bytes += (size_t)n;
	}
}

int query_ask(pid_t pid, struct report *report)
{
	char *text = NULL;
	size_t bytes = 0;
	int fd, err;

	fd = open(QUERY_PATH, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENXIO : -errno;
	err = ask(fd, pid) ?: read_all(fd, &text, &bytes) ?: report_parse(report, text, bytes);
	free(text);
	close(fd);
	return err;
}

int query_fail(pid_t pid, int err)
{
	switch (err) {
	case -ESRCH:
	case -ENOENT: /* hidden from this user by the mount options of /proc */
		return message_fail(
			UPAGER_EXIT_FAILED,
			"no process %d, or you may not see it: check the number with ps", pid);
	case -EPERM:
	case -EACCES:
		return message_fail(UPAGER_EXIT_FAILED,
				    "process %d is not yours to look into: run upager stat as root",
				    pid);
	case -EPROTONOSUPPORT:
		return message_fail(UPAGER_EXIT_FAILED,
				    "the module speaks another version than this upager: "
				    "install both from one source");
	case -EBADMSG:
		return message_fail(UPAGER_EXIT_FAILED,
				    "the report of process %d is not whole: try again", pid);
	default:
		return message_fail(UPAGER_EXIT_FAILED, "cannot read the report of process %d: %s",
				    pid, strerror(-err));
	}
}
