// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/message.h"
#include "cli/metrics/file.h"
#include "cli/metrics/text.h"
#include "cli/snapshot.h"

static const char help[] =
	"Usage: upager metrics [--format openmetrics|prometheus] [--textfile FILE]\n"
	"\n"
	"Print what the daemon counts, of it and of all processes that you may see, for\n"
	"Prometheus and those that read what it reads.  Without a daemon upager_up is 0, there\n"
	"is nothing else, and the exit status is 1.\n"
	"\n"
	"  --format FORMAT  openmetrics (default), or prometheus, the older text format\n"
	"  --textfile FILE  write to FILE, as a whole or not at all, for the textfile collector\n"
	"                   of node_exporter, which reads FILE.prom in the older format\n"
	"\n"
	"man upager-metrics has the names.  Exit status: 0, 1 failed (no daemon), 2 usage.\n";

static const struct option options[] = {
	{ "format", required_argument, NULL, 'f' },
	{ "textfile", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int parse_format(const char *text, enum metrics_format *format)
{
	if (!strcmp(text, "openmetrics"))
		*format = METRICS_OPENMETRICS;
	else if (!strcmp(text, "prometheus"))
		*format = METRICS_PROMETHEUS;
	else
		return message_fail(UPAGER_EXIT_USAGE,
				    "'%s' is no format; use openmetrics or prometheus", text);
	return UPAGER_EXIT_OK;
}

static int take(struct snapshot *snap)
{
	struct upager *u;
	int exit_code = client_open(&u);

	if (exit_code)
		return exit_code;
	exit_code = client_report(u, snapshot_take(u, 0, snap));
	upager_close(u);
	return exit_code;
}

static int metrics(enum metrics_format format, const char *path)
{
	struct snapshot snap;
	int exit_code = take(&snap), err = 0;
	const struct snapshot *taken = exit_code ? NULL : &snap;

	if (path)
		err = metrics_write(path, format, taken);
	else
		metrics_print(stdout, format, taken);
	if (taken)
		snapshot_fini(&snap);
	if (err)
		return message_fail(UPAGER_EXIT_FAILED,
				    "cannot write %s: %s; name a file in a folder that you may "
				    "write to",
				    path, strerror(-err));
	return exit_code;
}

int cmd_metrics(int argc, char **argv)
{
	enum metrics_format format = METRICS_OPENMETRICS;
	bool has_format = false;
	const char *path = NULL;
	int c, exit_code;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
		switch (c) {
		case 'f':
			has_format = true;
			exit_code = parse_format(optarg, &format);
			if (exit_code)
				return exit_code;
			break;
		case 't':
			path = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return UPAGER_EXIT_OK;
		default:
			return args_bad_option(argv, c);
		}
	exit_code = args_count(argc, argv, 0, 0);
	if (exit_code)
		return exit_code;
	if (path && !has_format)
		format = METRICS_PROMETHEUS;
	return metrics(format, path);
}
