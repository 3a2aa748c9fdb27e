// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include "cli/fill.h"

static const char help[] =
	"Usage: upager populate PID\n"
	"\n"
	"Bring all evicted pages of a process in, beyond its budget, too: what exceeds that\n"
	"leaves again afterwards, so raise it before.  It stays paged.\n"
	"Returns when that is done, and says on a terminal how far it has come.  Interrupted,\n"
	"the rest stays where it is.\n"
	"\n"
	"Exit status: 0, 1 failed, 2 usage.\n";

int cmd_populate(int argc, char **argv)
{
	return fill_command(argc, argv, help, upager_populate);
}
