/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MESSAGE_H
#define UPAGER_MESSAGE_H

/*
 * "upager: TEXT" on stderr, in one write, as one line: control characters
 * (names of processes and files are not ours) become '?'.
 */
__attribute__((format(printf, 1, 2))) void message_note(const char *fmt, ...);

/* The same; returns exit_code, so that a command ends with `return message_fail(...)`. */
__attribute__((format(printf, 2, 3))) int message_fail(int exit_code, const char *fmt, ...);

/* Replaces what a terminal would act upon. */
void message_clean(char *text);

#endif
