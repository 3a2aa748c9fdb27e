// SPDX-License-Identifier: GPL-2.0-only
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *log_name = "upager";
static _Atomic enum log_level log_max = LOG_LEVEL_INFO;
static int log_to_journal;
static _Thread_local const char *log_where;
static _Atomic bool log_over;
static _Atomic unsigned int log_lost; /* lines that nobody took */

void log_init(const char *name, enum log_level max_level)
{
	log_name = name;
	log_max = max_level;
	log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_change_level(enum log_level max_level)
{
	log_max = max_level;
}

void log_place(const char *place)
{
	log_where = place;
}

void log_over_line(bool there)
{
	log_over = there;
}

/*
 * One write, so that lines of several threads do not mix; and none where it would
 * wait for who reads it: a terminal that is held, a pipe that is full.
 */
static bool put(enum log_level level, const char *text)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	char line[600];
	int n;

	if (log_to_journal)
		n = snprintf(line, sizeof(line), "<%d>%s\n", (int)level, text);
	else
		n = snprintf(line, sizeof(line), "%s%s: %s\n", log_over ? "\r\033[K" : "", log_name,
			     text);
	return poll(&pfd, 1, 0) == 1 && pfd.revents & POLLOUT &&
	       write(STDERR_FILENO, line, (size_t)n) == n;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	int saved_errno = errno;
	unsigned int lost = 0;
	char text[512];
	va_list ap;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (log_where) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, " (%s)", log_where);
	}
	if (put(level, text))
		lost = atomic_exchange(&log_lost, 0);
	else
		atomic_fetch_add(&log_lost, 1);
	if (lost) {
		snprintf(text, sizeof(text), "%u earlier messages were lost: nobody read them",
			 lost);
		put(LOG_LEVEL_WARN, text);
	}
	errno = saved_errno;
}
