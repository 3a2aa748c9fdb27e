/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_CLI_H
#define UPAGER_SELFTESTS_CLI_H

#include "selftests/pager.h"

/* `upager`, about a pager of the test's own. */
static char cli_said[1024];

/* In a child: becomes `upager`. */
static inline void cli_exec(const struct pager *pg, const char *command, const char *arg1,
			    const char *arg2, const char *arg3)
{
	char path[512];

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	guard_build_dir(path, sizeof(path) - 16);
	strcat(path, "/upager");
	setenv("UPAGER_SOCKET", pg->socket, 1);
	execl(path, path, command, arg1, arg2, arg3, NULL);
	_exit(127);
}

/* `upager` with up to four arguments: its exit status; what it said is in cli_said. */
static inline int cli(const struct pager *pg, const char *command, const char *arg1,
		      const char *arg2, const char *arg3)
{
	int out[2], status = -1;
	ssize_t n;
	pid_t pid;

	cli_said[0] = '\0';
	if (pipe2(out, O_CLOEXEC))
		return -1;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		cli_exec(pg, command, arg1, arg2, arg3);
	}
	close(out[1]);
	if (!wait_until(60, waitpid(pid, &status, WNOHANG) == pid)) {
		fprintf(stderr, "# upager %s hangs\n", command);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	n = read(out[0], cli_said, sizeof(cli_said) - 1);
	cli_said[n > 0 ? n : 0] = '\0';
	close(out[0]);
	if (status)
		fprintf(stderr, "# upager %s: %#x: %s", command, (unsigned int)status, cli_said);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A command about a process that must succeed and has nothing to say. */
static inline bool cli_quietly(const struct pager *pg, const char *command, pid_t pid)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", pid);
	return cli(pg, command, id, NULL, NULL) == 0 && !cli_said[0];
}

/* Attaches with a budget; tells how long the program was stopped, or -1. */
static inline double cli_attach(const struct pager *pg, pid_t pid, uint64_t budget_bytes)
{
	char id[16], budget[40];
	double ms = -1;

	snprintf(id, sizeof(id), "%d", pid);
	snprintf(budget, sizeof(budget), "--budget=%llu", (unsigned long long)budget_bytes);
	if (cli(pg, "attach", budget, id, NULL) == 0)
		sscanf(cli_said, "%*d is paged: budget %*[^,], stopped for %lf ms", &ms);
	return ms;
}

static inline bool cli_budget(const struct pager *pg, pid_t pid, uint64_t budget_bytes)
{
	char id[16], budget[24];

	snprintf(id, sizeof(id), "%d", pid);
	snprintf(budget, sizeof(budget), "%llu", (unsigned long long)budget_bytes);
	return cli(pg, "budget", id, budget, NULL) == 0;
}

/* Does not wait for its end. */
static inline pid_t cli_start(const struct pager *pg, const char *command, pid_t pid)
{
	char id[16];
	pid_t child;

	snprintf(id, sizeof(id), "%d", pid);
	fflush(NULL);
	child = fork();
	if (!child)
		cli_exec(pg, command, id, NULL, NULL);
	return child;
}

#endif
