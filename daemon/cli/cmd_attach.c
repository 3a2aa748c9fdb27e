// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdio.h>

#include "cli/args.h"
#include "cli/client.h"
#include "size.h"

static const char help[] =
	"Usage: upager attach [--budget SIZE] PID\n"
	"\n"
	"Take over a running process: what it has beyond its budget moves to the swap area.\n"
	"It is stopped for some milliseconds; an interrupted system call goes on.\n"
	"\n"
	"  --budget SIZE  private anonymous memory that it keeps resident: bytes, or a\n"
	"                 number with K, M, G or T (powers of 1024); default: a quarter of\n"
	"                 the memory that is available now\n"
	"\n"
	"Needs root, or a process of your own that is not set-uid.\n"
	"Exit status: 0, 1 failed, 2 usage, 3 the kernel cannot.\n";

static const struct option options[] = {
	{ "budget", required_argument, NULL, 'b' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int attach(pid_t pid, uint64_t budget_bytes)
{
	char budget_text[SIZE_TEXT_BYTES];
	struct upager_reply reply;
	struct upager *u;
	int exit_code = client_open(&u);

	if (exit_code)
		return exit_code;
	exit_code = client_report(u, upager_attach(u, pid, budget_bytes, 0, &reply));
	upager_close(u);
	if (exit_code)
		return exit_code;
	size_format(budget_bytes, budget_text, sizeof(budget_text));
	printf("%d is paged: budget %s, stopped for %.1f ms\n", pid, budget_text,
	       (double)reply.stopped_ns / 1e6);
	return UPAGER_EXIT_OK;
}

int cmd_attach(int argc, char **argv)
{
	const char *budget = NULL;
	uint64_t budget_bytes;
	int c, exit_code;
	pid_t pid;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
		switch (c) {
		case 'b':
			budget = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return UPAGER_EXIT_OK;
		default:
			return args_bad_option(argv, c);
		}
	exit_code = args_count(argc, argv, 1, 1);
	if (!exit_code)
		exit_code = args_pid(argv[optind], &pid);
	if (!exit_code)
		exit_code = budget ? args_budget(budget, &budget_bytes)
				   : args_default_budget(&budget_bytes);
	return exit_code ? exit_code : attach(pid, budget_bytes);
}
