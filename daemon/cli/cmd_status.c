// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/types.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/message.h"
#include "cli/record.h"
#include "cli/record_json.h"
#include "cli/record_table.h"
#include "cli/snapshot.h"

static const char help[] =
	"Usage: upager status [PID] [--json]\n"
	"\n"
	"Show paged processes: all of yours (root: all), or one with all its counters and\n"
	"a histogram of its fault service times.\n"
	"\n"
	"  --json  print an object with \"processes\", a list of objects\n"
	"\n"
	"BUDGET    private anonymous memory that the process may keep\n"
	"RESIDENT  what it has now\n"
	"STANDBY   evicted, still in memory\n"
	"SWAPPED   only in the swap area\n"
	"REFAULTS  pages read back that had been evicted before\n"
	"P50, P99  fault service time of that percentage of faults (upper bound)\n"
	"STALL     of the last 10 seconds, in which at least one thread waited for a fault\n"
	"\n"
	"Exit status: 0, 1 failed (a PID that is not paged, no daemon), 2 usage.\n";

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void print_area(const struct upager_record *daemon)
{
	char total[SIZE_TEXT_BYTES], free_text[SIZE_TEXT_BYTES];
	char memory[SIZE_TEXT_BYTES], pools[SIZE_TEXT_BYTES];

	size_format(daemon->slots_total * PAGE_SIZE, total, sizeof(total));
	size_format(daemon->slots_free * PAGE_SIZE, free_text, sizeof(free_text));
	printf("swap areas: %s, %s free\n", total, free_text);
	size_format(daemon->memory_bytes, memory, sizeof(memory));
	size_format(daemon->pool_bytes, pools, sizeof(pools));
	printf("daemon: %s of memory, of it %s standby", memory, pools);
	if (daemon->slots_free < daemon->slots_total)
		printf(", %.1f bytes for each page outside", record_bytes_per_page(daemon));
	putchar('\n');
	if (daemon->text[0])
		message_note("%s", daemon->text);
}

static int print_human(const struct snapshot *snap)
{
	int err;

	if (!snap->nr)
		printf("no process is paged; upager run or upager attach starts it\n");
	err = snap->nr ? record_table_print(snap) : 0;
	if (!snap->has_daemon) {
		record_table_print_details(snap);
		return err;
	}
	print_area(&snap->daemon);
	if (snap->has_stall)
		record_table_print_stall("programs waited:", &snap->all);
	return err;
}

static int status(pid_t pid, bool json)
{
	struct snapshot snap;
	struct upager *u;
	int exit_code, err;

	exit_code = client_open(&u);
	if (exit_code)
		return exit_code;
	exit_code = client_report(u, snapshot_take(u, pid, &snap));
	if (exit_code)
		goto undo_open;
	if (pid && snap.nr != 1) {
		exit_code = message_fail(UPAGER_EXIT_FAILED,
					 "process %d is not paged; see upager status", pid);
		goto undo_snapshot;
	}
	err = json ? record_json_print(&snap) : print_human(&snap);
	if (snap.note[0])
		message_note("%s", snap.note);
	if (err)
		exit_code = message_fail(UPAGER_EXIT_FAILED, "cannot print: %s", strerror(-err));
undo_snapshot:
	snapshot_fini(&snap);
undo_open:
	upager_close(u);
	return exit_code;
}

int cmd_status(int argc, char **argv)
{
	bool json = false;
	pid_t pid = 0;
	int c, exit_code;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
		switch (c) {
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return UPAGER_EXIT_OK;
		default:
			return args_bad_option(argv, c);
		}
	exit_code = args_count(argc, argv, 0, 1);
	if (!exit_code && optind < argc)
		exit_code = args_pid(argv[optind], &pid);
	if (exit_code)
		return exit_code;
	/* For the width of names in the table. */
	setlocale(LC_CTYPE, "");
	return status(pid, json);
}
