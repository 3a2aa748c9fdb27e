// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "base/types.h"
#include "cli/args.h"
#include "cli/json.h"
#include "cli/message.h"
#include "base/progress.h"
#include "cli/tour/html.h"
#include "cli/tour/report.h"
#include "cli/tour/step.h"
#include "cli/tour/term.h"
#include "uapi/upager_proto.h"

static const char help[] =
	"Usage: upager tour [STEP]... [--json] [--html FILE] [--size SIZE]\n"
	"\n"
	"Walk through virtual memory on live processes: each step makes some, measures a few\n"
	"numbers on them then and there, and says how to do the same by hand.  No step needs\n"
	"half a minute, and none but the last more than some seconds.\n"
	"\n";

static const char help_rest[] =
	"\n"
	"  --json       what was measured, as records of name, value and unit\n"
	"  --html FILE  one page of all of it to read and to teach from, without a network\n"
	"  --size SIZE  of the program of the step larger, by default 4G or what some seconds\n"
	"               are enough for; no more than half of what is free in TMPDIR\n"
	"\n"
	"Nothing but the last two steps needs root: they start an upagerd of their own, or ask\n"
	"the one that runs.  Where root or the module would add something, a line with + says\n"
	"what.  TMPDIR (default /var/tmp) is where files are made, and removed: of some 64M,\n"
	"for the step larger a ninth more than its program has.\n"
	"\n"
	"Exit status: 0, 1 a step failed, 2 usage.\n";

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "size", required_argument, NULL, 's' },
	{ "html", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct wish {
	bool json;
	uint64_t size_bytes;
	FILE *html;
	const char *html_path;
	const struct tour_step *step[TOUR_STEPS_MAX]; /* in the order of the lecture */
	uint32_t nr_steps;
	json_t *report;
	bool screens; /* on a terminal each waits to be read */
};

static void print_steps(void)
{
	for (const struct tour_step *s = tour_steps; s->name; s++)
		printf("  %-7s %s\n", s->name, s->title);
}

/* All of them if none is named. */
static int choose(struct wish *w, char **names, int nr_names)
{
	int nr_known = 0;

	for (const struct tour_step *s = tour_steps; s->name; s++)
		for (int i = 0; i < nr_names || !nr_names; i++)
			if (!nr_names || !strcmp(names[i], s->name)) {
				w->step[w->nr_steps++] = s;
				break;
			}
	for (int i = 0; i < nr_names; i++, nr_known = 0) {
		for (uint32_t k = 0; k < w->nr_steps; k++)
			nr_known += !strcmp(names[i], w->step[k]->name);
		if (!nr_known)
			return message_fail(UPAGER_EXIT_USAGE,
					    "there is no step '%s'; see upager tour --help",
					    names[i]);
	}
	return UPAGER_EXIT_OK;
}

static bool is_read_here(const struct wish *w)
{
	return !w->html && !w->json;
}

/* False: who reads has enough. */
static bool next_screen(const struct wish *w)
{
	int c, first;

	if (!w->screens) {
		putchar('\n');
		return true;
	}
	fputs("\n-- Enter for the next step, q to quit: ", stdout);
	fflush(stdout);
	c = first = getchar();
	while (c != '\n' && c != EOF)
		c = getchar();
	putchar('\n');
	return first != 'q' && c != EOF;
}

static int show(const struct wish *w, const struct tour_page *p)
{
	struct map_term t;
	json_t *step;

	if (w->html)
		tour_html_step(w->html, p);
	if (w->json) {
		step = tour_report(p);
		if (!step || json_array_append_new(w->report, step))
			return -ENOMEM;
	}
	if (is_read_here(w)) {
		map_term_probe(&t);
		tour_term_print(&t, p);
	}
	return 0;
}

static int run_step(const struct wish *w, const struct tour_step *step)
{
	struct tour_page page = { .name = step->name,
				  .title = step->title,
				  .size_bytes = w->size_bytes };
	int err = step->run(&page);

	err = err ?: page.err ?: show(w, &page);
	tour_page_fini(&page);
	if (progress_interrupted())
		return message_fail(UPAGER_EXIT_FAILED, "interrupted");
	return err ? message_fail(UPAGER_EXIT_FAILED, "the step %s cannot be measured: %s",
				  step->name, strerror(-err))
		   : UPAGER_EXIT_OK;
}

/* What failed does not keep the others from being shown. */
static int run_steps(const struct wish *w)
{
	int exit_code = UPAGER_EXIT_OK, last;

	for (uint32_t i = 0; i < w->nr_steps && !progress_interrupted(); i++) {
		if (i && is_read_here(w) && !next_screen(w))
			break;
		last = run_step(w, w->step[i]);
		if (last)
			exit_code = last;
	}
	return exit_code;
}

static int print_json(struct wish *w)
{
	json_t *root = json_pack("{s:s, s:i, s:O}", "format", "upager-tour", "version", 1, "steps",
				 w->report);
	int err = root ? json_print(root) : -ENOMEM;

	return err ? message_fail(UPAGER_EXIT_FAILED, "cannot print: %s", strerror(-err))
		   : UPAGER_EXIT_OK;
}

static int begin_html(struct wish *w)
{
	if (!w->html_path)
		return UPAGER_EXIT_OK;
	w->html = strcmp(w->html_path, "-") ? fopen(w->html_path, "we") : stdout;
	if (!w->html)
		return message_fail(UPAGER_EXIT_FAILED,
				    "cannot write %s: %s; name a file that can be made",
				    w->html_path, strerror(errno));
	tour_html_begin(w->html, w->step, w->nr_steps);
	return UPAGER_EXIT_OK;
}

static int end_html(struct wish *w)
{
	int failed;

	if (!w->html)
		return UPAGER_EXIT_OK;
	tour_html_end(w->html);
	failed = ferror(w->html);
	errno = 0;
	failed |= w->html == stdout ? fflush(w->html) : fclose(w->html);
	return failed ? message_fail(UPAGER_EXIT_FAILED, "cannot write %s: %s", w->html_path,
				     strerror(errno ? errno : EIO))
		      : UPAGER_EXIT_OK;
}

static int tour(struct wish *w, bool all)
{
	int exit_code = begin_html(w);

	if (exit_code)
		return exit_code;
	w->report = json_array();
	w->screens = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	progress_catch();
	if (all && is_read_here(w)) {
		print_steps();
		if (next_screen(w))
			exit_code = run_steps(w);
	} else {
		exit_code = run_steps(w);
	}
	if (end_html(w) || (w->json && print_json(w)))
		exit_code = UPAGER_EXIT_FAILED;
	json_decref(w->report);
	return exit_code;
}

int cmd_tour(int argc, char **argv)
{
	struct wish wish = { 0 };
	int c, exit_code;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
		switch (c) {
		case 'j':
			wish.json = true;
			break;
		case 't':
			wish.html_path = optarg;
			break;
		case 's':
			if (size_parse(optarg, &wish.size_bytes) || !wish.size_bytes)
				return message_fail(UPAGER_EXIT_USAGE,
						    "'%s' is no size; use a number, or one with "
						    "K, M, G or T",
						    optarg);
			break;
		case 'h':
			fputs(help, stdout);
			print_steps();
			fputs(help_rest, stdout);
			return UPAGER_EXIT_OK;
		default:
			return args_bad_option(argv, c);
		}
	if (wish.json && wish.html_path && !strcmp(wish.html_path, "-"))
		return message_fail(UPAGER_EXIT_USAGE, "--json and --html - both print on stdout");
	exit_code = choose(&wish, argv + optind, argc - optind);
	if (exit_code)
		return exit_code;
	/* For what the terminal can show. */
	setlocale(LC_CTYPE, "");
	return tour(&wish, optind == argc);
}
