// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/types.h"
#include "cli/cmd.h"
#include "cli/message.h"
#include "lib/upager.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "mkswap", cmd_mkswap, "make a swap area on a block device or a file" },
	{ "run", cmd_run, "run a program under the pager" },
	{ "attach", cmd_attach, "take over a running process" },
	{ "detach", cmd_detach, "give a process everything back and let go of it" },
	{ "budget", cmd_budget, "change the budget of a paged process" },
	{ "populate", cmd_populate, "bring all evicted pages of a process in" },
	{ "status", cmd_status, "show paged processes, their counters and latencies" },
	{ "top", cmd_top, "watch them, their faults and how long they wait for them" },
	{ "metrics", cmd_metrics, "print what the daemon counts, for Prometheus" },
	{ "swapon", cmd_swapon, "use one more swap area from now on" },
	{ "swapoff", cmd_swapoff, "let go of a swap area while programs go on" },
	{ "stat", cmd_stat, "show holes, libraries and copy-on-write of a process" },
	{ "map", cmd_map, "draw the address space of a process" },
	{ "tour", cmd_tour, "virtual memory, shown and measured on live processes" },
	{ "doctor", cmd_doctor, "check what this kernel and this machine offer" },
};

static void print_help(void)
{
	printf("Usage: upager COMMAND [ARGUMENT...]\n"
	       "\n"
	       "Run programs with more memory than their budget; upagerd does the work.\n"
	       "\n"
	       "Commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-9s %s\n", commands[i].name, commands[i].summary);
	printf("\n"
	       "  --help     this text; upager COMMAND --help tells more\n"
	       "  --version  the version\n"
	       "\n"
	       "UPAGER_SOCKET names the socket of upagerd; default: %s\n"
	       "\n"
	       "Exit status: 0, 1 failed, 2 usage, 3 the kernel cannot.\n",
	       UPAGER_DEFAULT_SOCKET);
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2)
		return message_fail(UPAGER_EXIT_USAGE, "no command given; see upager --help");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help();
		return UPAGER_EXIT_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("upager %s (protocol %d)\n", UPAGER_VERSION, UPAGER_PROTO_VERSION);
		return UPAGER_EXIT_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name)) {
			opterr = 0;
			return commands[i].run(argc - 1, argv + 1);
		}
	return message_fail(UPAGER_EXIT_USAGE, "unknown command '%s'; see upager --help", argv[1]);
}

/*
 * Descriptors 0 to 2 that the caller closed: nothing of ours may take their
 * place and be written to as stderr.  Close-on-exec keeps them closed for the
 * program of `upager run`.
 */
static void occupy_std_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	int exit_code;

	occupy_std_fds();
	exit_code = dispatch(argc, argv);
	if ((fflush(stdout) || ferror(stdout)) && !exit_code)
		exit_code = message_fail(UPAGER_EXIT_FAILED, "cannot write the output: %s",
					 strerror(errno));
	return exit_code;
}
