// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

#include "base/types.h"
#include "cli/check.h"

#define WANTED_FLAGS (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

static void probe_setup(const struct check *check, struct finding *finding)
{
	struct io_uring ring;
	int err = io_uring_queue_init(8, &ring, (unsigned int)check->arg);

	if (err)
		check_failed(finding, err);
	else
		io_uring_queue_exit(&ring);
}

/* Any ring will do for these: their own check tells about the flags. */
static void probe_buffers(const struct check *check, struct finding *finding)
{
	static char page[PAGE_SIZE] __attribute__((aligned(4096)));
	const struct iovec iov = { page, sizeof(page) };
	struct io_uring ring;
	int err = io_uring_queue_init(8, &ring, 0);

	(void)check;
	if (!err) {
		err = io_uring_register_buffers(&ring, &iov, 1);
		io_uring_queue_exit(&ring);
	}
	if (err)
		check_failed(finding, err);
}

static void probe_files(const struct check *check, struct finding *finding)
{
	int file = STDERR_FILENO;
	struct io_uring ring;
	int err = io_uring_queue_init(8, &ring, 0);

	(void)check;
	if (!err) {
		err = io_uring_register_files(&ring, &file, 1);
		io_uring_queue_exit(&ring);
	}
	if (err)
		check_failed(finding, err);
}

const struct check checks_uring[] = {
	{ "io_uring", CHECK_NEED_ALWAYS, "the pager cannot run; see kernel.io_uring_disabled",
	  probe_setup, 0 },
	{ "io_uring DEFER_TASKRUN", CHECK_NEED_ALWAYS,
	  "the pager cannot run (SINGLE_ISSUER and DEFER_TASKRUN)", probe_setup, WANTED_FLAGS },
	{ "io_uring buffers", CHECK_NEED_ALWAYS, "buffers cannot be registered", probe_buffers, 0 },
	{ "io_uring files", CHECK_NEED_ALWAYS, "files cannot be registered", probe_files, 0 },
	{ 0 },
};
