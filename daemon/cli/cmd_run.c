// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/args.h"
#include "cli/child.h"
#include "cli/client.h"
#include "cli/message.h"

#define LET_GO_NS	NS_PER_S
#define LET_GO_PAUSE_NS 200000

static const char help[] =
	"Usage: upager run [--budget SIZE] [--family] [--weight N] -- CMD [ARG...]\n"
	"\n"
	"Run a program under the pager.  As long as it stays below its budget nothing is\n"
	"done to it.  Its children are paged too, each with a budget of that size.\n"
	"\n"
	"  --budget SIZE  private anonymous memory that it keeps resident: bytes, or a\n"
	"                 number with K, M, G or T (powers of 1024); default: a quarter of\n"
	"                 the memory that is available now\n"
	"  --family       one budget for it and its descendants, exec included\n"
	"  --weight N     1 to 10000, default 100: its part where the daemon has a limit that\n"
	"                 does not hold all budgets\n"
	"\n"
	"The program is not started if the pager refuses.  Exit status: that of the program,\n"
	"128 + N if signal N killed it, 127 if it was not found, 126 if it cannot be\n"
	"executed; before it was started 1 failed, 2 usage, 3 the kernel cannot.\n";

static const struct option options[] = {
	{ "budget", required_argument, NULL, 'b' },
	{ "family", no_argument, NULL, 'f' },
	{ "weight", required_argument, NULL, 'w' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* False: of the process nothing is left, or who knows. */
static bool is_left(struct upager *u, pid_t pid)
{
	struct upager_record *rec;
	uint32_t nr;
	int err = upager_status(u, pid, &rec, &nr);
	bool listed = !err && nr && rec[0].pid == pid;

	free(rec);
	return listed || err == -EAGAIN;
}

/*
 * Who waits for us shall find that the program has let go of what it had: its
 * files, its shared memory.  The agent may hold its memory for some moments more.
 * Asked by a child, so that no daemon can keep us.
 */
static void wait_until_let_go(pid_t pid)
{
	const struct timespec pause = { .tv_nsec = LET_GO_PAUSE_NS };
	uint64_t begin_ns = clock_ns();
	pid_t asker = fork();
	struct upager *u;

	if (asker < 0)
		return;
	if (!asker) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (!upager_open(NULL, &u))
			while (is_left(u, pid))
				nanosleep(&pause, NULL);
		_exit(0);
	}
	while (!waitpid(asker, NULL, WNOHANG)) {
		if (clock_ns() - begin_ns > LET_GO_NS)
			kill(asker, SIGKILL);
		nanosleep(&pause, NULL);
	}
}

static int run(char **argv, uint64_t budget_bytes, uint32_t flags, uint32_t weight)
{
	struct child child;
	struct upager *u;
	int exit_code, err;

	exit_code = client_open(&u);
	if (exit_code)
		return exit_code;
	err = child_start(&child, argv);
	if (err) {
		exit_code = message_fail(UPAGER_EXIT_FAILED, "cannot start a process: %s",
					 strerror(-err));
		goto undo_open;
	}
	exit_code = client_report(u, upager_attach(u, child.pid, budget_bytes, flags, NULL));
	if (!exit_code && weight)
		exit_code = client_report(u, upager_set_weight(u, child.pid, weight, NULL));
	if (exit_code) {
		child_abandon(&child);
		goto undo_open;
	}
	upager_close(u);
	err = child_release(&child);
	if (err)
		message_note("cannot start %s: %s", argv[0], strerror(-err));
	exit_code = child_wait(&child);
	wait_until_let_go(child.pid);
	return exit_code;

undo_open:
	upager_close(u);
	return exit_code;
}

int cmd_run(int argc, char **argv)
{
	uint32_t flags = UPAGER_ATTACH_WATCH;
	const char *budget = NULL;
	uint32_t weight = 0;
	uint64_t budget_bytes;
	int c, exit_code;

	/* '+': the options of the program are its own. */
	while ((c = getopt_long(argc, argv, "+:h", options, NULL)) != -1)
		switch (c) {
		case 'b':
			budget = optarg;
			break;
		case 'f':
			flags |= UPAGER_ATTACH_FAMILY;
			break;
		case 'w':
			exit_code = args_weight(optarg, &weight);
			if (exit_code)
				return exit_code;
			break;
		case 'h':
			fputs(help, stdout);
			return UPAGER_EXIT_OK;
		default:
			return args_bad_option(argv, c);
		}
	if (optind == argc)
		return message_fail(UPAGER_EXIT_USAGE, "no program given; see upager run --help");
	exit_code =
		budget ? args_budget(budget, &budget_bytes) : args_default_budget(&budget_bytes);
	return exit_code ? exit_code : run(argv + optind, budget_bytes, flags, weight);
}
