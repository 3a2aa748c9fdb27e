/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_WATCH_H
#define UPAGER_MAP_WATCH_H

/* The time between two pictures; NULL: a second.  Prints what is wrong; an exit code. */
int map_watch_seconds(const char *text, double *seconds);

/* Draws a process again and again until it has ended or SIGINT comes; an exit code. */
int map_watch(const char *pid_text, double seconds);

#endif
