/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_OPTION_TABLE_H
#define UPAGER_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
	KIND_TEXT,
	KIND_SIZE,
	KIND_SECONDS,
	KIND_COUNT,
	KIND_BOOL,
	KIND_FULL,
	KIND_LEVEL,
	KIND_DOMAIN,
};

/* What is in the file under its name, and on the command line with dashes. */
struct setting {
	const char *name;
	const char *option;
	enum option_kind kind;
	const char *what; /* in messages */
	size_t at; /* in struct options */
	size_t size; /* KIND_TEXT: with its end */
	unsigned long min; /* KIND_SECONDS, KIND_COUNT */
	unsigned long max; /* KIND_COUNT */
	bool fixed; /* a running daemon does not change it */
	bool first_only; /* it is not passed on to the pagers of users */
};

#define OPTION_TABLE_NR 16

#endif
