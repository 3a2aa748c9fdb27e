/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_OPTION_CHANGE_H
#define UPAGER_OPTION_CHANGE_H

#include "options.h"

#define OPTIONS_CHANGES_BYTES 400

/* As one configuration file would have them, on stdout. */
void options_print(const struct options *opt);

/* "KEY OLD -> NEW, ..." of what a running daemon can change; and the keys of what it cannot. */
void options_changes(const struct options *old, const struct options *new,
		     char changed[OPTIONS_CHANGES_BYTES], char fixed[OPTIONS_CHANGES_BYTES]);

/* What it cannot change is as it was. */
void options_keep_fixed(struct options *new, const struct options *old);

#endif
