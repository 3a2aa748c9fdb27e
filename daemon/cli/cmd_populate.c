// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include "cli/fill.h"

static const char help[] =
	"Usage: upager populate PID\n"
	"\n"
	"Bring all evicted pages of a process in, as far as its budget allows.  It stays\n"
	"paged.  Returns when that is done, and says on a terminal how far it has come.\n"
	"Interrupted, the rest stays where it is.\n"
	"\n"
	"Exit status: 0, 1 failed, 2 usage.\n";

int cmd_populate(int argc, char **argv)
{
	return fill_command(argc, argv, help, upager_populate);
}
