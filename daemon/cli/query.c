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

static int fail(pid_t pid, int err)
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
	default:
		return message_fail(UPAGER_EXIT_FAILED, "cannot read the report of process %d: %s",
				    pid, strerror(-err));
	}
}

/* Where the file cannot be opened at all. */
static int fail_open(int err)
{
	if (err == -ENOENT)
		return message_fail(UPAGER_EXIT_KERNEL,
				    "the module upager is not loaded: modprobe upager, or insmod "
				    "build/upager.ko (make module builds it)");
	return message_fail(UPAGER_EXIT_FAILED, "cannot open " QUERY_PATH ": %s", strerror(-err));
}

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

int query_read(pid_t pid, struct report *report)
{
	char *text = NULL;
	size_t bytes = 0;
	int fd, err, exit_code = UPAGER_EXIT_OK;

	fd = open(QUERY_PATH, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail_open(-errno);
	err = ask(fd, pid) ?: read_all(fd, &text, &bytes);
	if (err) {
		exit_code = fail(pid, err);
		goto undo_open;
	}
	err = report_parse(report, text, bytes);
	if (err == -EPROTONOSUPPORT)
		exit_code = message_fail(UPAGER_EXIT_FAILED,
					 "the module speaks another version than this upager: "
					 "install both from one source");
	else if (err == -EBADMSG)
		exit_code = message_fail(UPAGER_EXIT_FAILED,
					 "the report of process %d is not whole: try again", pid);
	else if (err)
		exit_code = fail(pid, err);
undo_open:
	free(text);
	close(fd);
	return exit_code;
}
