// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include "cli/client.h"

static const char help[] =
	"Usage: upager detach PID\n"
	"\n"
	"Give a process everything back and let go of it: all its pages come in from the\n"
	"swap area, then nothing of the pager is left in it.  Returns when that is done.\n"
	"Refused when memory would not hold it all.\n"
	"\n"
	"Exit status: 0, 1 failed, 2 usage.\n";

int cmd_detach(int argc, char **argv)
{
	return client_simple(argc, argv, help, upager_detach);
}
