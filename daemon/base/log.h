/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_LOG_H
#define UPAGER_LOG_H

#include <stdbool.h>

/*
 * One line per message on stderr, "<N>" prefixed when a service manager reads
 * it (sd-daemon(3)).  errno is saved and restored.  Never called on the fault
 * path; the worker counts there instead.
 */
enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

void log_init(const char *name, enum log_level max_level);
void log_change_level(enum log_level max_level);
/* What the calling thread logs is about that: it stands behind; NULL: nothing more. */
void log_place(const char *place);
/* There is a line on the terminal that is written over: what is logged takes its place. */
void log_over_line(bool there);
__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *fmt, ...);

#define log_err(...)   log_line(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
