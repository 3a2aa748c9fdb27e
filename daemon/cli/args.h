/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ARGS_H
#define UPAGER_ARGS_H

#include <getopt.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Arguments of the commands.  The functions print what is wrong and return
 * UPAGER_EXIT_USAGE, or UPAGER_EXIT_OK.
 */

/* Of a command without options but --help; its short options are "h". */
extern const struct option args_help_only[];

/* For what getopt_long() returned when it is no known option; opterr is 0. */
int args_bad_option(char **argv, int c);

/* Between min and max arguments must be left at optind. */
int args_count(int argc, char **argv, int min, int max);

/* Of a swap area; UPAGER_EXIT_FAILED where there is none. */
int args_area(const char *path);

int args_pid(const char *text, pid_t *pid);

/* The --budget that is used when none is given: a quarter of MemAvailable. */
int args_default_budget(uint64_t *budget_bytes);
int args_budget(const char *text, uint64_t *budget_bytes);
int args_weight(const char *text, uint32_t *weight);

#endif
