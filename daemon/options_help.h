/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_OPTIONS_HELP_H
#define UPAGER_OPTIONS_HELP_H

/* What upagerd --help prints. */
extern const char options_help[];

#endif
