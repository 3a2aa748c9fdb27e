/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_WORKER_H
#define UPAGER_SELFTESTS_WORKER_H

#include <poll.h>

#include "selftests/pager.h"

/*
 * Programs of targets/ that are told by their standard input what to do; most
 * are attach_worker, which knows what its memory must hold.
 */
#define WORKER_PAGES 8192u
#define WORKER_BYTES (WORKER_PAGES * PAGE_SIZE)

struct program {
	pid_t pid;
	int in; /* its standard input */
	int out;
};

/* Starts selftests/targets/@name with up to three arguments. */
static inline struct program program_start(const char *name, const char *arg1, const char *arg2,
					   const char *arg3)
{
	struct program p = { .in = -1, .out = -1 };
	int in[2], out[2];
	char path[640];

	guard_build_dir(path, 512);
	strcat(path, "/selftests/targets/");
	strcat(path, name);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return p;
	fflush(NULL);
	p.pid = fork();
	if (!p.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(path, path, arg1, arg2, arg3, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	p.in = in[1];
	p.out = out[0];
	return p;
}

/* Reads a line of at most size - 1 bytes, without its end; false if none comes in 30 s. */
static inline bool read_line(int fd, char *line, size_t size)
{
	uint64_t end_ns = now_ns() + 30000000000ULL;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len < size - 1 && now_ns() < end_ns) {
		if (poll(&pfd, 1, 1000) < 1)
			continue;
		if (read(fd, line + len, 1) != 1)
			break;
		if (line[len] == '\n') {
			line[len] = '\0';
			return true;
		}
		len++;
	}
	line[len] = '\0';
	return false;
}

#define NO_ANSWER (-1L)

static inline long program_ask(const struct program *p, const char *command)
{
	char line[64];

	if (dprintf(p->in, "%s\n", command) < 0 || !read_line(p->out, line, sizeof(line)))
		return NO_ANSWER;
	return atol(line);
}

/* A worker that has filled its memory and is at work. */
static inline struct program worker_start(const char *name, const char *threads, const char *mode)
{
	struct program p;
	char pages[16], line[64];

	snprintf(pages, sizeof(pages), "%u", WORKER_PAGES);
	p = program_start(name, pages, threads, mode);
	if (!read_line(p.out, line, sizeof(line)) || strcmp(line, "ready") ||
	    program_ask(&p, "ops") == NO_ANSWER)
		fprintf(stderr, "# %s does not start\n", name);
	return p;
}

/* Lets it check everything and exit: its status, -1 if it hangs. */
static inline int program_end(struct program *p)
{
	int status = -1;

	close(p->in);
	if (!wait_until(60, waitpid(p->pid, &status, WNOHANG) == p->pid)) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
		status = -1;
	}
	close(p->out);
	return status;
}

/* It goes on and reads what it wrote. */
static inline bool is_working(const struct program *p)
{
	long ops = program_ask(p, "ops"), bad;

	if (ops == NO_ANSWER || !wait_until(30, program_ask(p, "ops") > ops + 50)) {
		fprintf(stderr, "# process %d stands still at %ld\n", p->pid, ops);
		return false;
	}
	if (program_ask(p, "rest") != 0)
		return false;
	bad = program_ask(p, "check");
	if (bad)
		fprintf(stderr, "# process %d has %ld wrong pages\n", p->pid, bad);
	return !bad && program_ask(p, "go") == 0;
}

#endif
