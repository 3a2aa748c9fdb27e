// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/map/collect.h"
#include "cli/map/diff.h"
#include "cli/map/screen.h"
#include "cli/map/term.h"
#include "cli/message.h"
#include "uapi/upager_proto.h"

#define SECONDS_MIN 0.1
#define SECONDS_MAX 86400

int map_watch_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = 1;
	if (!text)
		return UPAGER_EXIT_OK;
	*seconds = strtod(text, &end);
	if (*text < '0' || *text > '9' || *end || *seconds < SECONDS_MIN || *seconds > SECONDS_MAX)
		return message_fail(UPAGER_EXIT_USAGE,
				    "'%s' is no time to wait; give seconds from 0.1 to 86400",
				    text);
	return UPAGER_EXIT_OK;
}

/* True: it has ended meanwhile. */
static bool wait_for_end(int pidfd, double seconds)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	return poll(&pfd, 1, (int)(seconds * 1000)) == 1;
}

#define HOME	   "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"

/* The picture as text, for the caller to free; NULL: there is no memory. */
static char *draw(const struct map_term *t, const struct map *m)
{
	FILE *to = stdout;
	char *text = NULL;
	size_t bytes = 0;
	int err;

	stdout = open_memstream(&text, &bytes);
	if (!stdout) {
		stdout = to;
		return NULL;
	}
	err = map_term_print(t, m);
	if (fclose(stdout) || err) {
		free(text);
		text = NULL;
	}
	stdout = to;
	return text;
}

/* As many lines as there is room for, from the first on, over what was there: nothing flickers. */
static void put_lines(const char *text, uint32_t room)
{
	for (; *text && room; room--) {
		size_t length = strcspn(text, "\n");

		printf("%.*s" CLEAR_LINE "\n", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static int show(const struct map *m, const struct map *before)
{
	struct map_term t;
	char *text;

	map_term_probe(&t);
	text = draw(&t, m);
	if (!text)
		return -ENOMEM;
	if (t.height) {
		fputs(HOME, stdout);
		/* The last two are for what is different, and the cursor. */
		put_lines(text, t.height > 2 ? t.height - 2 : 1);
		term_plain(&t);
		fputs(CLEAR_REST, stdout);
	} else {
		fputs(text, stdout);
	}
	free(text);
	if (before)
		map_diff_line(before, m, t.width < MAP_TERM_NARROW + 20);
	if (!t.height)
		putchar('\n');
	return fflush(stdout) ? -errno : 0;
}

int map_watch(const char *pid_text, double seconds)
{
	struct map before = { 0 }, now;
	bool ended = false;
	pid_t pid;
	int exit_code = args_pid(pid_text, &pid), pidfd, err = 0;

	if (exit_code)
		return exit_code;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	/* Where there is none, the first look says why. */
	while (!ended && !err) {
		exit_code = map_collect(pid, "map", &now);
		if (exit_code)
			break;
		err = show(&now, before.nr_regions ? &before : NULL);
		map_free(&before);
		before = now;
		ended = pidfd < 0 || wait_for_end(pidfd, seconds);
	}
	map_free(&before);
	if (pidfd >= 0)
		close(pidfd);
	if (err)
		exit_code = message_fail(UPAGER_EXIT_FAILED, "cannot print: %s", strerror(-err));
	return exit_code;
}
