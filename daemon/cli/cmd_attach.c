// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/size.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/message.h"

#define AGAIN_MS     100
#define AGAIN_MAX_MS 5000

static const char help[] =
	"Usage: upager attach [--budget SIZE] [--family] [--weight N] [--now] PID\n"
	"\n"
	"Take over a running process: what it has beyond its budget moves to the swap area.\n"
	"One thread is stopped for some milliseconds, where no system call notices it; for\n"
	"5 seconds it waits for one to come there.  Children that the process makes from now\n"
	"on are paged too, each with a budget of that size.\n"
	"\n"
	"  --budget SIZE  private anonymous memory that it keeps resident: bytes, or a\n"
	"                 number with K, M, G or T (powers of 1024); default: a quarter of\n"
	"                 the memory that is available now\n"
	"  --family       one budget for it and its descendants, those that it has included\n"
	"  --weight N     1 to 10000, default 100: its part where the daemon has a limit that\n"
	"                 does not hold all budgets\n"
	"  --now          stop a thread at once, though the system call that it waits in may\n"
	"                 return early: a write() with less than it was given, others with\n"
	"                 EINTR\n"
	"\n"
	"Needs root, or a process of your own that is not set-uid.\n"
	"Exit status: 0, 1 failed, 2 usage, 3 the kernel cannot.\n";

static const struct option options[] = {
	{ "budget", required_argument, NULL, 'b' }, { "family", no_argument, NULL, 'f' },
	{ "weight", required_argument, NULL, 'w' }, { "now", no_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },	    { NULL, 0, NULL, 0 },
};

/* A thread that waits in a call may be on its way out of it: the daemon does not wait for that. */
static int attach_soon(struct upager *u, pid_t pid, uint64_t budget_bytes, uint32_t flags,
		       struct upager_reply *reply)
{
	const struct timespec pause = { .tv_nsec = AGAIN_MS * 1000000L };
	int err = upager_attach(u, pid, budget_bytes, flags, reply);

	for (int i = 0; err == -EAGAIN && i < AGAIN_MAX_MS / AGAIN_MS; i++) {
		nanosleep(&pause, NULL);
		err = upager_attach(u, pid, budget_bytes, flags, reply);
	}
	if (err == -EAGAIN)
		message_note("try again later, or with --now");
	return err;
}

static int attach(pid_t pid, uint64_t budget_bytes, uint32_t flags, uint32_t weight)
{
	char budget_text[SIZE_TEXT_BYTES];
	struct upager_reply reply;
	struct upager *u;
	int exit_code = client_open(&u);

	if (exit_code)
		return exit_code;
	exit_code = client_report(u, attach_soon(u, pid, budget_bytes, flags, &reply));
	if (!exit_code && weight)
		exit_code = client_report(u, upager_set_weight(u, pid, weight, NULL));
	upager_close(u);
	if (exit_code)
		return exit_code;
	size_format(budget_bytes, budget_text, sizeof(budget_text));
	printf("%d is paged: budget %s, stopped for %.1f ms\n", pid, budget_text,
	       (double)reply.stopped_ns / 1e6);
	return UPAGER_EXIT_OK;
}

int cmd_attach(int argc, char **argv)
{
	const char *budget = NULL;
	uint32_t flags = 0, weight = 0;
	uint64_t budget_bytes;
	int c, exit_code;
	pid_t pid;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
		switch (c) {
		case 'b':
			budget = optarg;
			break;
		case 'f':
			flags |= UPAGER_ATTACH_FAMILY;
			break;
		case 'n':
			flags |= UPAGER_ATTACH_NOW;
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
	exit_code = args_count(argc, argv, 1, 1);
	if (!exit_code)
		exit_code = args_pid(argv[optind], &pid);
	if (!exit_code)
		exit_code = budget ? args_budget(budget, &budget_bytes)
				   : args_default_budget(&budget_bytes);
	return exit_code ? exit_code : attach(pid, budget_bytes, flags, weight);
}
