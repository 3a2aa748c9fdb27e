// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/json.h"
#include "cli/map/collect.h"
#include "cli/map/diff.h"
#include "cli/map/html.h"
#include "cli/map/load.h"
#include "cli/map/save.h"
#include "cli/map/svg.h"
#include "cli/map/term.h"
#include "cli/map/watch.h"
#include "cli/message.h"
#include "uapi/upager_proto.h"

static const char help[] =
	"Usage: upager map PID|SAVED [--json] [--svg FILE] [--html FILE] [--save FILE]\n"
	"       upager map --watch[=SECONDS] PID\n"
	"       upager map --diff PID|SAVED PID|SAVED [--json]\n"
	"\n"
	"Draw the address space of a process: text, data, heap, libraries, stack, files, and\n"
	"the holes between them, to logarithmic scale; in each, which pages are resident,\n"
	"shared, swapped or were never touched.  Nothing but /proc is needed; the pager adds\n"
	"what it took out, the module what is shared copy-on-write.\n"
	"\n"
	"  --svg FILE   a drawing, - for stdout\n"
	"  --html FILE  a page to look around in, that needs no network\n"
	"  --save FILE  all of it, to be drawn or compared later; --json prints the same\n"
	"  --watch      draw it again every second, or every SECONDS, until it ends\n"
	"  --diff       what is new, gone or different in the second one\n"
	"\n"
	"USERS      processes that map a library, of those that you may look into\n"
	"FORKED     resident, anonymous, and shared with another process since a fork\n"
	"SHARED     resident, of a file or shared memory that others map too\n"
	"UNTOUCHED  neither in memory nor anywhere else\n"
	"\n"
	"Exit status: 0, 1 failed (no such process, not yours, no saved map), 2 usage.\n";

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },	   { "svg", required_argument, NULL, 's' },
	{ "html", required_argument, NULL, 't' },  { "save", required_argument, NULL, 'o' },
	{ "watch", optional_argument, NULL, 'w' }, { "diff", no_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },	   { NULL, 0, NULL, 0 },
};

struct wish {
	bool json;
	bool diff;
	const char *svg;
	const char *html;
	const char *save;
	double watch_s; /* 0: once */
};

/* A number is a process; a file of such a name is ./NUMBER. */
static int get(const char *what, struct map *m)
{
	pid_t pid;
	int exit_code;

	if (what[strspn(what, "0123456789")])
		return map_load(what, m);
	exit_code = args_pid(what, &pid);
	return exit_code ? exit_code : map_collect(pid, "map", m);
}

static int save(FILE *f, const struct map *m)
{
	json_t *root = map_to_json(m);
	int err = root ? 0 : -ENOMEM;

	if (!err && (json_dumpf(root, f, JSON_INDENT(1)) || putc('\n', f) == EOF))
		err = -EIO;
	json_decref(root);
	return err;
}

static int write_file(const char *path, int (*write)(FILE *, const struct map *),
		      const struct map *m)
{
	bool to_stdout = !strcmp(path, "-");
	FILE *f = to_stdout ? stdout : fopen(path, "we");
	int err;

	if (!f)
		return message_fail(UPAGER_EXIT_FAILED,
				    "cannot write %s: %s; name a file that can be made", path,
				    strerror(errno));
	errno = 0;
	err = write(f, m);
	if ((to_stdout ? fflush(f) : fclose(f)) && !err)
		err = -EIO;
	if (!err)
		return UPAGER_EXIT_OK;
	return message_fail(UPAGER_EXIT_FAILED, "cannot write %s: %s", path,
			    strerror(err == -EIO && errno ? errno : -err));
}

static int show(const struct map *m, const struct wish *wish)
{
	struct map_term t;
	int exit_code = UPAGER_EXIT_OK, err = 0;

	if (wish->save)
		exit_code = write_file(wish->save, save, m);
	if (!exit_code && wish->svg)
		exit_code = write_file(wish->svg, map_svg_write, m);
	if (!exit_code && wish->html)
		exit_code = write_file(wish->html, map_html_write, m);
	if (!exit_code && wish->json)
		exit_code = write_file("-", save, m);
	if (exit_code || wish->json || wish->svg || wish->html || wish->save)
		return exit_code;
	map_term_probe(&t);
	err = map_term_print(&t, m);
	return err ? message_fail(UPAGER_EXIT_FAILED, "cannot print: %s", strerror(-err))
		   : UPAGER_EXIT_OK;
}

static int diff(char **what, const struct wish *wish)
{
	struct map before, after;
	int exit_code = get(what[0], &before), err;

	if (exit_code)
		return exit_code;
	exit_code = get(what[1], &after);
	if (!exit_code) {
		err = wish->json ? map_diff_json(&before, &after) : map_diff_print(&before, &after);
		if (err)
			exit_code = message_fail(UPAGER_EXIT_FAILED, "cannot print: %s",
						 strerror(-err));
		map_free(&after);
	}
	map_free(&before);
	return exit_code;
}

static int check(int argc, char **argv, const struct wish *wish)
{
	bool files = wish->svg || wish->html || wish->save;
	pid_t pid;
	int exit_code;

	if (wish->diff && (files || wish->watch_s > 0))
		return message_fail(UPAGER_EXIT_USAGE,
				    "--diff prints a table: draw each with upager map --html");
	if (wish->watch_s > 0 && (files || wish->json))
		return message_fail(UPAGER_EXIT_USAGE,
				    "--watch draws on the terminal: leave --svg, --html, --save "
				    "and --json out");
	exit_code = args_count(argc, argv, 1 + wish->diff, 1 + wish->diff);
	if (!exit_code && wish->watch_s > 0)
		exit_code = args_pid(argv[optind], &pid);
	return exit_code;
}

int cmd_map(int argc, char **argv)
{
	struct wish wish = { 0 };
	struct map m;
	int c, exit_code;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
		switch (c) {
		case 'j':
			wish.json = true;
			break;
		case 's':
			wish.svg = optarg;
			break;
		case 't':
			wish.html = optarg;
			break;
		case 'o':
			wish.save = optarg;
			break;
		case 'd':
			wish.diff = true;
			break;
		case 'w':
			exit_code = map_watch_seconds(optarg, &wish.watch_s);
			if (exit_code)
				return exit_code;
			break;
		case 'h':
			fputs(help, stdout);
			return UPAGER_EXIT_OK;
		default:
			return args_bad_option(argv, c);
		}
	exit_code = check(argc, argv, &wish);
	if (exit_code)
		return exit_code;
	/* For the width of names, and for what the terminal can show. */
	setlocale(LC_CTYPE, "");
	if (wish.diff)
		return diff(argv + optind, &wish);
	if (wish.watch_s > 0)
		return map_watch(argv[optind], wish.watch_s);
	exit_code = get(argv[optind], &m);
	if (exit_code)
		return exit_code;
	exit_code = show(&m, &wish);
	map_free(&m);
	return exit_code;
}
