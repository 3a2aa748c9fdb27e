// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/args.h"
#include "cli/message.h"
#include "cli/top/batch.h"
#include "cli/top/screen.h"

static const char help[] =
	"Usage: upager top [-b] [-n N] [-d SECONDS] [-o COLUMN] [-r]\n"
	"\n"
	"Watch paged processes: budgets, memory, faults and how long they take, and the\n"
	"share of the time in which programs wait for them.  h shows the keys.\n"
	"\n"
	"  -b, --batch          print what there is to see, without a terminal\n"
	"  -n, --iterations N   end after so many looks\n"
	"  -d, --delay SECONDS  between two looks, 0.1 to 86400; default: 1\n"
	"  -o, --sort COLUMN    sort by it, as it is called in the list; default: FAULT/s\n"
	"  -r, --reverse        the other way round\n"
	"\n"
	"Rates, P50, P99 and STALL% are of the time since the look before; the first has none.\n"
	"\n"
	"Columns:";

static const char help_rest[] = "\n"
				"\n"
				"Exit status: 0, 1 failed (no daemon, no terminal), 2 usage.\n";

static void print_help(void)
{
	fputs(help, stdout);
	for (int i = 0; i < __TOP_COLUMNS; i++)
		printf(" %s", top_column_title((enum top_column)i));
	fputs(help_rest, stdout);
}

static const struct option options[] = {
	{ "batch", no_argument, NULL, 'b' },
	{ "iterations", required_argument, NULL, 'n' },
	{ "delay", required_argument, NULL, 'd' },
	{ "sort", required_argument, NULL, 'o' },
	{ "reverse", no_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int parse_looks(const char *text, uint64_t *looks)
{
	char *end;

	errno = 0;
	*looks = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !*looks)
		return message_fail(UPAGER_EXIT_USAGE,
				    "'%s' is no number of looks; give a positive number", text);
	return UPAGER_EXIT_OK;
}

static int parse_option(int c, struct top_view *v, uint64_t *looks, bool *batch)
{
	switch (c) {
	case 'b':
		*batch = true;
		break;
	case 'r':
		v->reverse = true;
		break;
	case 'n':
		return parse_looks(optarg, looks);
	case 'd':
		if (!top_view_seconds(optarg, &v->delay_s))
			return message_fail(
				UPAGER_EXIT_USAGE,
				"'%s' is no time to wait; give seconds from 0.1 to 86400", optarg);
		break;
	default:
		v->sort = top_column_named(optarg);
		if (v->sort == __TOP_COLUMNS)
			return message_fail(UPAGER_EXIT_USAGE,
					    "'%s' is no column; take one of the head of upager "
					    "top -b -n 1",
					    optarg);
	}
	return UPAGER_EXIT_OK;
}

static int top(struct top_view *v, uint64_t looks, bool batch)
{
	struct top_sample s = { 0 };
	int exit_code = UPAGER_EXIT_OK;

	setlocale(LC_CTYPE, "");
	/* Without a daemon it does not begin; if that goes away later it waits for another. */
	if (top_sample_take(&s))
		exit_code = message_fail(UPAGER_EXIT_FAILED, "%s", s.trouble);
	else if (batch)
		exit_code = top_batch(v, &s, looks);
	else
		exit_code = top_screen(v, &s, looks);
	top_sample_fini(&s);
	return exit_code;
}

int cmd_top(int argc, char **argv)
{
	struct top_view v;
	uint64_t looks = 0;
	bool batch = false;
	int c, exit_code;

	top_view_init(&v);
	while ((c = getopt_long(argc, argv, ":bn:d:o:rh", options, NULL)) != -1) {
		if (c == 'h') {
			print_help();
			return UPAGER_EXIT_OK;
		}
		if (c == ':' || c == '?')
			return args_bad_option(argv, c);
		exit_code = parse_option(c, &v, &looks, &batch);
		if (exit_code)
			return exit_code;
	}
	exit_code = args_count(argc, argv, 0, 0);
	return exit_code ? exit_code : top(&v, looks, batch);
}
