// SPDX-License-Identifier: GPL-2.0-only
#include "cli/stat_run.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/child.h"
#include "cli/message.h"
#include "uapi/upager_proto.h"

#define TRACK_PATH "/proc/upager/track"
/* More than a record has. */
#define TEXT_BYTES 65536

/* Ends are read while the program runs: until then they count for its user's quota. */
struct reader {
	int fd;
	pid_t pid;
	struct ends *ends;
	pthread_t thread;
	int err;
	char text[TEXT_BYTES];
};

static void *read_ends(void *context)
{
	struct reader *r = context;
	ssize_t n;

	for (;;) {
		n = read(r->fd, r->text, sizeof(r->text) - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		r->text[n] = '\0';
		r->err = ends_parse(r->ends, r->text, r->pid);
		/* Who ended before the program was told of before it. */
		if (r->err || r->ends->whole)
			break;
	}
	return NULL;
}

static int open_track(int *fd)
{
	*fd = open(TRACK_PATH, O_RDWR | O_CLOEXEC);
	if (*fd >= 0)
		return UPAGER_EXIT_OK;
	if (errno == ENOENT)
		return message_fail(UPAGER_EXIT_KERNEL,
				    "the module upager is not loaded: modprobe upager, or insmod "
				    "build/upager.ko (make module builds it)");
	return message_fail(UPAGER_EXIT_FAILED, "cannot open " TRACK_PATH ": %s", strerror(errno));
}

static int track(int fd, pid_t pid)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", pid);

	if (write(fd, text, (size_t)len) >= 0)
		return UPAGER_EXIT_OK;
	if (errno == EBUSY)
		return message_fail(UPAGER_EXIT_FAILED,
				    "another upager stat runs this one: only the outer counts");
	if (errno == EDQUOT || errno == E2BIG)
		return message_fail(
			UPAGER_EXIT_FAILED,
			"too many processes are tracked: try again when others have ended");
	return message_fail(UPAGER_EXIT_FAILED, "cannot track the program: %s", strerror(errno));
}

/* One run; *status is the program's. */
static int run_once(char **argv, struct ends *ends, uint64_t *elapsed_ns, int *status)
{
	static struct reader reader;
	struct child child;
	int fd, exit_code, err;
	uint64_t begin_ns;

	exit_code = open_track(&fd);
	if (exit_code)
		return exit_code;
	err = child_start(&child, argv);
	if (err) {
		exit_code = message_fail(UPAGER_EXIT_FAILED, "cannot start a process: %s",
					 strerror(-err));
		goto undo_open;
	}
	exit_code = track(fd, child.pid);
	if (exit_code) {
		child_abandon(&child);
		goto undo_open;
	}
	begin_ns = clock_ns();
	err = child_release(&child);
	if (err)
		message_note("cannot start %s: %s", argv[0], strerror(-err));
	reader = (struct reader){ .fd = fd, .pid = child.pid, .ends = ends };
	/* Signals are blocked by now, and so the thread gets none. */
	err = pthread_create(&reader.thread, NULL, read_ends, &reader);
	*status = child_wait(&child);
	*elapsed_ns = clock_ns() - begin_ns;
	if (err)
		read_ends(&reader);
	else
		pthread_join(reader.thread, NULL);
	if (reader.err)
		exit_code =
			message_fail(UPAGER_EXIT_FAILED, "cannot count: %s", strerror(-reader.err));
	else if (!ends->whole)
		message_note("%s was let go of: it ran a program that you may not look at, or the "
			     "module was unloaded",
			     argv[0]);
undo_open:
	close(fd);
	return exit_code;
}

static int show(const struct stat_run *run, struct stat_result *result)
{
	FILE *out = run->output ? fopen(run->output, "we") : stdout;
	int err;

	if (!out)
		return message_fail(UPAGER_EXIT_FAILED, "cannot write to %s: %s", run->output,
				    strerror(errno));
	err = run->json ? stat_show_json(out, run, result) : stat_show_text(out, run, result);
	if (fflush(out))
		err = -errno;
	if (run->output && fclose(out) && !err)
		err = -errno;
	return err ? message_fail(UPAGER_EXIT_FAILED, "cannot print: %s", strerror(-err))
		   : UPAGER_EXIT_OK;
}

int stat_run(const struct stat_run *run)
{
	struct stat_result result = { .sums = calloc(run->repeat, sizeof(*result.sums)) };
	int exit_code = UPAGER_EXIT_OK;

	if (!result.sums)
		return message_fail(UPAGER_EXIT_FAILED, "no memory");
	for (; result.nr < run->repeat && !exit_code; result.nr++) {
		struct stat_sums *sums = &result.sums[result.nr];

		ends_fini(&result.last);
		exit_code = run_once(run->argv, &result.last, &sums->elapsed_ns, &result.status);
		sums->counts = result.last.sum;
		sums->processes = result.last.nr;
	}
	if (!exit_code)
		exit_code = show(run, &result);
	ends_fini(&result.last);
	free(result.sums);
	return exit_code ? exit_code : result.status;
}
