// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/types.h"
#include "cli/args.h"
#include "cli/map/collect.h"
#include "cli/map/report.h"
#include "cli/message.h"
#include "cli/query.h"
#include "cli/stat_json.h"
#include "cli/stat_run.h"
#include "cli/stat_segments.h"
#include "cli/stat_table.h"
#include "uapi/upager_proto.h"

static const char help[] =
	"Usage: upager stat PID [--json]\n"
	"       upager stat [--repeat N] [--children] [--json] [--output FILE] -- CMD [ARG...]\n"
	"\n"
	"Show the address space of a process: the holes between its mappings, its shared\n"
	"libraries, what it shares copy-on-write, and what the pager says of it.  The process\n"
	"need not be paged.\n"
	"\n"
	"Without the kernel module upager holes, libraries and what is shared now are read from\n"
	"/proc; it adds what became of shared pages, of tracked processes: the pager tracks\n"
	"those that it pages, and root any other with echo PID >/proc/upager/track.\n"
	"\n"
	"With CMD: run it, tracked with its children, and show what was counted until it ended,\n"
	"of it and of those that had ended by then.  That takes no privileges.\n"
	"\n"
	"  --json  print an object with \"holes\", \"libs\", \"cow\" and \"paging\", all of the\n"
	"          holes and objects in it; of CMD with \"runs\", \"processes\", \"elapsed_ns\",\n"
	"          \"cow\" and \"places\"\n"
	"  --repeat N     run CMD so often; medians are shown, and the least and the most\n"
	"  --children     also show each process, of the last run\n"
	"  --output FILE  write to FILE, as CMD prints to where this does\n"
	"\n"
	"HOLE        largest first; FOR: what it is the room to grow of\n"
	"TEXT ...    of an object, by its program headers; - where they cannot be read in time\n"
	"SHARED      present, and mapped more than once\n"
	"USERS       address spaces that map it; - where there are too many to count; without\n"
	"            the module, processes of those that you may look into\n"
	"\n"
	"Exit status: 0, 1 failed (no such process, or not yours), 2 usage; of CMD its own, as\n"
	"upager run has it, or 3 without the module.\n";

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },	{ "repeat", required_argument, NULL, 'r' },
	{ "children", no_argument, NULL, 'c' }, { "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },	{ NULL, 0, NULL, 0 },
};

/* A figure of a group as a whole: its unit is in its key. */
static const struct figure {
	enum report_group group;
	const char *key;
	const char *name;
	const char *what;
} figures[] = {
	{ REPORT_HOLES, "holes_count", "holes", "gaps between mappings" },
	{ REPORT_HOLES, "mapped_bytes", "mapped", "all mappings" },
	{ REPORT_HOLES, "largest_hole_bytes", "largest", "the largest mapping that would fit" },
	{ REPORT_HOLES, "heap_hole_bytes", "for the heap", "from its end to the next mapping" },
	{ REPORT_HOLES, "stack_hole_bytes", "for the stack", "below it, to the next mapping" },
	{ REPORT_LIBS, "libs_count", "objects", "programs and libraries mapped" },
	{ REPORT_LIBS, "libs_mapped_bytes", "mapped", "of them" },
	{ REPORT_LIBS, "libs_resident_bytes", "resident", "of them present" },
	{ REPORT_LIBS, "libs_shared_bytes", "shared", "present, and mapped more than once" },
	{ REPORT_LIBS, "libs_private_bytes", "private", "present, and mapped here only" },
	{ REPORT_LIBS, "libs_proportional_bytes", "proportional",
	  "each page divided by how often it is mapped" },
	{ REPORT_COW, "shared_now_pages", "shared now", "pages that the next write copies" },
	{ REPORT_COW, "maybe_shared_pages", "maybe shared",
	  "pages that the next write looks at; with the former" },
	{ REPORT_COW, "copies", "copies", "writes that copied a shared page" },
	{ REPORT_COW, "reuses_without_copy", "reuses", "writes that had nothing to copy any more" },
	{ REPORT_COW, "zero_first_writes", "zero page", "first writes to it" },
	{ REPORT_COW, "file_first_writes", "files", "first writes to private pages of files" },
	{ REPORT_COW, "huge_breaks", "huge pages", "write faults on them" },
	{ REPORT_COW, "huge_splits", "huge splits", "of these: split, to copy small pages" },
	{ REPORT_COW, "huge_zero_bytes", "huge zero page", "replaced, by huge pages" },
	{ REPORT_COW, "hugetlb_bytes_copied", "hugetlb", "copied of its pages" },
	{ REPORT_COW, "bytes_copied", "copied", "by copies, first writes to files, hugetlb" },
	{ REPORT_COW, "forks", "forks", "children made" },
	{ REPORT_COW, "page_table_bytes_copied", "page tables", "that forks copied" },
	{ REPORT_COW, "children", "children", "tracked, theirs included" },
	{ REPORT_COW, "children_copies", "their copies", "" },
	{ REPORT_COW, "children_reuses", "their reuses", "" },
	{ REPORT_COW, "children_bytes_copied", "they copied", "" },
	{ REPORT_COW, "children_lost", "children lost", "not tracked: too many at once" },
	{ REPORT_COW, "probes_missed", "missed", "hits that the kernel did not let count" },
	{ REPORT_PAGING, "budget_bytes", "budget", "what may be resident" },
	{ REPORT_PAGING, "resident_bytes", "resident", "of the memory that is paged" },
	{ REPORT_PAGING, "standby_bytes", "standby", "evicted, still in memory" },
	{ REPORT_PAGING, "swapped_bytes", "swapped", "only in the swap area" },
	{ REPORT_PAGING, "faults", "faults", "that the pager served" },
	{ REPORT_PAGING, "evictions", "evictions", "pages taken" },
	{ REPORT_PAGING, "rescues", "rescues", "pages taken back from standby" },
	{ REPORT_PAGING, "readahead_pages", "readahead", "pages read ahead" },
	{ REPORT_PAGING, "readahead_hits", "readahead hits", "of them used" },
	{ REPORT_PAGING, "checksum_failures", "checksum failures", "pages lost on the device" },
	{ REPORT_PAGING, "io_errors", "i/o errors", "of the swap area" },
	{ REPORT_PAGING, "reported_age_ms", "age in ms", "of what the pager reported" },
};

static bool is_bytes(const char *key)
{
	return strstr(key, "bytes") != NULL;
}

static void print_figure(const struct figure *f, uint64_t value)
{
	char text[SIZE_TEXT_BYTES + 16];

	if (is_bytes(f->key))
		size_format(value, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%" PRIu64, value);
	printf("  %-18s %12s%s%s\n", f->name, text, f->what[0] ? "  " : "", f->what);
}

static void print_group(const struct report *r, enum report_group group, const char *title)
{
	printf("%s\n", title);
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
		const struct report_line *line;

		if (figures[i].group != group)
			continue;
		line = report_find(r, group, 0, figures[i].key);
		if (line && line->is_number)
			print_figure(&figures[i], line->number);
	}
}

/* Of the 47 bits that a program gets unless it asks for more: not of all that the processor has. */
static void print_used(const struct report *r)
{
	const struct report_line *window = report_find(r, REPORT_HOLES, 0, "window_bytes");
	uint64_t mapped = report_number(r, REPORT_HOLES, 0, "window_mapped_bytes");

	if (window && window->number)
		printf("  %-18s %11.4f%%  of the %u bits of addresses that programs get\n", "used",
		       100.0 * (double)mapped / (double)window->number,
		       (unsigned int)(63 - __builtin_clzll(window->number)) +
			       ((window->number & (window->number - 1)) != 0));
}

static const char *is_tracked(const struct report *r)
{
	if (report_find(r, REPORT_PROCESS, 0, "module"))
		return "by /proc alone";
	return report_number(r, REPORT_PROCESS, 0, "tracked")
		       ? "tracked"
		       : "not tracked: copies are not counted";
}

static int print_human(const struct report *r)
{
	bool tracked = report_number(r, REPORT_PROCESS, 0, "tracked");
	char comm[64];
	int err;

	snprintf(comm, sizeof(comm), "%s", report_text(r, REPORT_PROCESS, 0, "comm"));
	message_clean(comm);
	printf("process %" PRIu64 " (%s), %s\n\n", report_number(r, REPORT_PROCESS, 0, "pid"), comm,
	       is_tracked(r));
	print_group(r, REPORT_HOLES, "Holes");
	print_used(r);
	err = stat_table_holes(r);
	printf("\n");
	print_group(r, REPORT_LIBS, "Libraries");
	err = err ?: stat_table_objects(r);
	printf("\n");
	print_group(r, REPORT_COW, "Copy-on-write");
	err = err ?: stat_table_places(r);
	if (report_find(r, REPORT_PAGING, 0, "budget_bytes")) {
		printf("\n");
		print_group(r, REPORT_PAGING, "Paging");
	} else if (tracked) {
		printf("\nPaging\n  nothing reported: upagerd does not page it\n");
	}
	if (report_find(r, REPORT_PROCESS, 0, "module"))
		printf("\nthe module upager is not loaded: it would add copies and reuses of "
		       "shared "
		       "pages, and the pager's counters (see upager status)\n");
	return err;
}

/* The module's report, or what /proc tells of it. */
static int get_report(pid_t pid, struct report *report)
{
	struct map m;
	int exit_code, err = query_ask(pid, report);

	if (err != -ENXIO)
		return err ? query_fail(pid, err) : UPAGER_EXIT_OK;
	exit_code = map_collect(pid, "stat", &m);
	if (exit_code)
		return exit_code;
	err = map_report(&m, report);
	map_free(&m);
	return err ? query_fail(pid, err) : UPAGER_EXIT_OK;
}

static int show_process(const char *text, bool json)
{
	struct report report;
	int exit_code, err;
	pid_t pid = 0;

	exit_code = args_pid(text, &pid);
	if (!exit_code)
		exit_code = get_report(pid, &report);
	if (exit_code)
		return exit_code;
	err = stat_segments_add(pid, &report);
	if (!err)
		err = json ? stat_json_print(&report) : print_human(&report);
	if (err)
		exit_code = message_fail(UPAGER_EXIT_FAILED, "cannot print: %s", strerror(-err));
	report_fini(&report);
	return exit_code;
}

/* A program is what stands behind "--" and is no number alone: PID may, too. */
static bool is_program(int argc, char **argv)
{
	const char *first = argv[optind];

	return optind < argc && optind > 1 && !strcmp(argv[optind - 1], "--") &&
	       (optind + 1 < argc || first[strspn(first, "-0123456789")]);
}

int cmd_stat(int argc, char **argv)
{
	struct stat_run run = { .repeat = 1 };
	bool only_run = false;
	int c, exit_code;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
		switch (c) {
		case 'j':
			run.json = true;
			break;
		case 'r':
			run.repeat = (unsigned int)strtoul(optarg, NULL, 10);
			if (!run.repeat || run.repeat > STAT_REPEAT_MAX ||
			    strspn(optarg, "0123456789") != strlen(optarg))
				return message_fail(
					UPAGER_EXIT_USAGE,
					"--repeat takes a number from 1 to %d, not '%s'",
					STAT_REPEAT_MAX, optarg);
			only_run = true;
			break;
		case 'c':
			run.children = true;
			only_run = true;
			break;
		case 'o':
			run.output = optarg;
			only_run = true;
			break;
		case 'h':
			fputs(help, stdout);
			return UPAGER_EXIT_OK;
		default:
			return args_bad_option(argv, c);
		}
	/* For the width of names in the tables. */
	setlocale(LC_CTYPE, "");
	if (is_program(argc, argv)) {
		run.argv = argv + optind;
		return stat_run(&run);
	}
	if (only_run)
		return message_fail(UPAGER_EXIT_USAGE,
				    "a program is missing: -- CMD; see upager stat --help");
	exit_code = args_count(argc, argv, 1, 1);
	return exit_code ? exit_code : show_process(argv[optind], run.json);
}
