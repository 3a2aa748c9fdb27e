// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/message.h"
#include "uapi/upager_proto.h"

static const char help[] =
	"Usage: upager swapon [--priority N] PATH\n"
	"\n"
	"Have upagerd use one more swap area, which upager mkswap has made, from now on.\n"
	"\n"
	"  --priority N  areas of higher priority are used first (default 0)\n"
	"\n"
	"Root only.  Exit status: 0, 1 refused or failed, 2 usage.\n";

static const struct option options[] = {
	{ "priority", required_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int parse_priority(const char *text, int *priority)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < -UPAGER_PRIORITY_BIAS || n > UPAGER_PRIORITY_BIAS)
		return message_fail(UPAGER_EXIT_USAGE,
				    "'%s' is no priority; give a number from -%d to %d", text,
				    UPAGER_PRIORITY_BIAS, UPAGER_PRIORITY_BIAS);
	*priority = (int)n;
	return UPAGER_EXIT_OK;
}

int cmd_swapon(int argc, char **argv)
{
	int c, exit_code, priority = 0;
	struct upager *u;

	while ((c = getopt_long(argc, argv, ":p:h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return UPAGER_EXIT_OK;
		}
		exit_code = c == 'p' ? parse_priority(optarg, &priority) : args_bad_option(argv, c);
		if (exit_code)
			return exit_code;
	}
	exit_code = args_count(argc, argv, 1, 1);
	if (!exit_code)
		exit_code = args_area(argv[optind]);
	if (!exit_code)
		exit_code = client_open(&u);
	if (exit_code)
		return exit_code;
	exit_code = client_report(u, upager_swapon(u, argv[optind], priority));
	upager_close(u);
	return exit_code;
}
