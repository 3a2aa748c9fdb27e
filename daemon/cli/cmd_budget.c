// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdio.h>

#include "cli/args.h"
#include "cli/client.h"

static const char help[] =
	"Usage: upager budget [--weight N] PID [SIZE]\n"
	"\n"
	"Change how much private anonymous memory a paged process, or the family that it\n"
	"belongs to, keeps resident.  A smaller budget takes effect as fast as the swap area\n"
	"can be written.\n"
	"\n"
	"  --weight N  change its weight, with or without a SIZE: 1 to 10000, 100 is normal.\n"
	"              Where the daemon has a limit that does not hold all budgets, each\n"
	"              process or family gets a part in proportion to budget times weight.\n"
	"\n"
	"SIZE is a number of bytes, or one with K, M, G or T (powers of 1024).\n"
	"\n"
	"Exit status: 0, 1 failed, 2 usage.\n";

static const struct option options[] = {
	{ "weight", required_argument, NULL, 'w' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int cmd_budget(int argc, char **argv)
{
	uint64_t budget_bytes = 0;
	uint32_t weight = 0;
	struct upager *u;
	int c, exit_code;
	pid_t pid;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
		switch (c) {
		case 'w':
			exit_code = args_weight(optarg, &weight);
			if (exit_code)
				return exit_code;
			break;
		case 'h':
			fputs(help, stdout);
			return UPAGER_EXIT_OK;
		default:
			return args_bad_option(argv, c);
		}
	exit_code = args_count(argc, argv, weight ? 1 : 2, 2);
	if (!exit_code)
		exit_code = args_pid(argv[optind], &pid);
	if (!exit_code && optind + 1 < argc)
		exit_code = args_budget(argv[optind + 1], &budget_bytes);
	if (!exit_code)
		exit_code = client_open(&u);
	if (exit_code)
		return exit_code;
	if (budget_bytes)
		exit_code = client_report(u, upager_set_budget(u, pid, budget_bytes, NULL));
	if (!exit_code && weight)
		exit_code = client_report(u, upager_set_weight(u, pid, weight, NULL));
	upager_close(u);
	return exit_code;
}
