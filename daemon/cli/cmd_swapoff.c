// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <errno.h>
#include <stdio.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/message.h"
#include "base/progress.h"
#include "uapi/upager_proto.h"

static const char help[] =
	"Usage: upager swapoff PATH\n"
	"\n"
	"Have upagerd let go of a swap area while programs go on: what is there moves to\n"
	"other areas, or to memory where they are full.  Returns when that is done, and says\n"
	"on a terminal how much is left.  Interrupted, the area stays in use.\n"
	"\n"
	"Root only.  Exit status: 0, 1 refused, failed or interrupted, 2 usage.\n";

static int show(void *context, const char *text)
{
	progress_text(context, text);
	return progress_interrupted();
}

int cmd_swapoff(int argc, char **argv)
{
	struct progress progress;
	struct upager *u;
	int c, exit_code, err;

	c = getopt_long(argc, argv, ":h", args_help_only, NULL);
	if (c == 'h') {
		fputs(help, stdout);
		return UPAGER_EXIT_OK;
	}
	if (c != -1)
		return args_bad_option(argv, c);
	exit_code = args_count(argc, argv, 1, 1);
	if (!exit_code)
		exit_code = args_area(argv[optind]);
	if (!exit_code)
		exit_code = client_open(&u);
	if (exit_code)
		return exit_code;
	progress_catch();
	progress_begin(&progress, "");
	err = upager_swapoff(u, argv[optind], show, &progress);
	progress_end(&progress);
	if (err == -ECANCELED)
		exit_code = message_fail(UPAGER_EXIT_FAILED, "interrupted: %s stays in use",
					 argv[optind]);
	else
		exit_code = client_report(u, err);
	upager_close(u);
	return exit_code;
}
