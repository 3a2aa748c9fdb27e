/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FILL_CMD_H
#define UPAGER_FILL_CMD_H

#include "lib/upager.h"

/*
 * The whole of a command that has everything of a process brought in, which the call does not
 * answer before: shows how far that has come, and gives it up when it is interrupted.
 */
typedef int fill_call_t(struct upager *u, pid_t pid, struct upager_reply *reply);
int fill_command(int argc, char **argv, const char *help, fill_call_t *call);

#endif
