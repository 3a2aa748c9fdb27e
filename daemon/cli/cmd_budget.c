// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdio.h>

#include "cli/args.h"
#include "cli/client.h"

static const char help[] =
	"Usage: upager budget PID SIZE\n"
	"\n"
	"Change how much private anonymous memory a paged process keeps resident.  A\n"
	"smaller budget takes effect as fast as the swap area can be written.\n"
	"\n"
	"SIZE is a number of bytes, or one with K, M, G or T (powers of 1024).\n"
	"\n"
	"Exit status: 0, 1 failed, 2 usage.\n";

int cmd_budget(int argc, char **argv)
{
	uint64_t budget_bytes;
	struct upager *u;
	int c, exit_code;
	pid_t pid;

	c = getopt_long(argc, argv, ":h", args_help_only, NULL);
	if (c == 'h') {
		fputs(help, stdout);
		return UPAGER_EXIT_OK;
	}
	if (c != -1)
		return args_bad_option(argv, c);
	exit_code = args_count(argc, argv, 2, 2);
	if (!exit_code)
		exit_code = args_pid(argv[optind], &pid);
	if (!exit_code)
		exit_code = args_budget(argv[optind + 1], &budget_bytes);
	if (!exit_code)
		exit_code = client_open(&u);
	if (exit_code)
		return exit_code;
	exit_code = client_report(u, upager_set_budget(u, pid, budget_bytes, NULL));
	upager_close(u);
	return exit_code;
}
