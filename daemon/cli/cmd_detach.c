// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include "cli/fill.h"

static const char help[] =
	"Usage: upager detach PID\n"
	"\n"
	"Give a process everything back and let go of it: all its pages come in from the\n"
	"swap area, then nothing of the pager is left in it.  Returns when that is done, and\n"
	"says on a terminal how far it has come.  Interrupted, the process stays paged.\n"
	"Refused when memory would not hold it all.\n"
	"\n"
	"Exit status: 0, 1 failed, 2 usage.\n";

int cmd_detach(int argc, char **argv)
{
	return fill_command(argc, argv, help, upager_detach);
}
