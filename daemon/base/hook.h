/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HOOK_H
#define UPAGER_HOOK_H

/*
 * Variables of the environment by which tests have a program fail, or do without
 * something.  They are honoured where whoever sets them could do as much harm
 * without: not in a program that got privileges from its file (AT_SECURE; upagerd
 * does not run as one), and not at all in a build with RELEASE=1.
 */

/* Its value; NULL: it is not set, or ignored. */
const char *hook_env(const char *name);
/* A line for each that is set and ignored. */
void hook_say_ignored(void);

#endif
