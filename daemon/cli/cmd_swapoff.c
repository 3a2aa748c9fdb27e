// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/message.h"
#include "uapi/upager_proto.h"

static const char help[] =
	"Usage: upager swapoff PATH\n"
	"\n"
	"Have upagerd let go of a swap area while programs go on: what is there moves to\n"
	"other areas, or to memory where they are full.  Returns when that is done, and says\n"
	"on a terminal how much is left.  Interrupted, the area stays in use.\n"
	"\n"
	"Root only.  Exit status: 0, 1 refused, failed or interrupted, 2 usage.\n";

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static int show(void *context, const char *text)
{
	bool *shown = context;

	if (text[0] && isatty(STDERR_FILENO)) {
		fprintf(stderr, "\r%s\033[K", text);
		*shown = true;
	}
	return interrupted;
}

int cmd_swapoff(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	bool shown = false;
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
		exit_code = client_open(&u);
	if (exit_code)
		return exit_code;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	err = upager_swapoff(u, argv[optind], show, &shown);
	if (shown)
		fputs("\r\033[K", stderr);
	if (err == -ECANCELED)
		exit_code = message_fail(UPAGER_EXIT_FAILED, "interrupted: %s stays in use",
					 argv[optind]);
	else
		exit_code = client_report(u, err);
	upager_close(u);
	return exit_code;
}
