// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/tour/actor.h"

#define START_MS 20000

__attribute__((noreturn)) static void become(char **argv, int input, int output)
{
	int null = open("/dev/null", O_WRONLY);

	if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0)
		_exit(126);
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	/* A locale would be one more file. */
	setenv("LC_ALL", "C", 1);
	execvp(argv[0], argv);
	_exit(127);
}

/* What it is given comes out again: then it runs. */
static int wait_ready(const struct program *prog)
{
	struct pollfd ready = { .fd = prog->output, .events = POLLIN };
	char c = '\n';

	if (write(prog->input, &c, 1) != 1)
		return -EPIPE;
	if (poll(&ready, 1, START_MS) <= 0)
		return -ETIMEDOUT;
	return read(prog->output, &c, 1) == 1 ? 0 : -ENOEXEC;
}

static int start(struct program *prog, char **argv)
{
	int in[2], out[2], err;
	pid_t parent = getpid();

	*prog = (struct program){ 0 };
	if (pipe2(in, O_CLOEXEC))
		return -errno;
	if (pipe2(out, O_CLOEXEC)) {
		err = -errno;
		close(in[0]);
		close(in[1]);
		return err;
	}
	prog->input = in[1];
	prog->output = out[0];
	prog->pid = fork();
	if (!prog->pid) {
		actor_end_with(parent);
		become(argv, in[0], out[1]);
	}
	err = prog->pid < 0 ? -errno : 0;
	close(in[0]);
	close(out[1]);
	if (err) {
		close(in[1]);
		close(out[0]);
		prog->pid = 0;
		return err;
	}
	err = wait_ready(prog);
	if (err)
		program_end(prog);
	return err;
}

int program_start(struct program *prog)
{
	return start(prog, (char *[]){ "cat", NULL });
}

static int copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, err = 0;
	ssize_t n = 1;

	if (in < 0)
		return -errno;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (out < 0) {
		err = -errno;
		close(in);
		return err == -EEXIST ? 0 : err;
	}
	while (n > 0)
		n = sendfile(out, in, NULL, 1 << 20);
	if (n < 0)
		err = -errno;
	close(out);
	close(in);
	return err;
}

/* loader: the one that loads the others; "" if there is none. */
static int copy_object(const char *from, const char *folder, char *loader)
{
	const char *name = strrchr(from, '/') + 1;
	char to[2 * SCRATCH_PATH_BYTES];

	snprintf(to, sizeof(to), "%s/%s", folder, name);
	if (!strncmp(name, "ld-", 3) || !strncmp(name, "ld.so", 5))
		snprintf(loader, sizeof(to), "%s", to);
	return copy_file(from, to);
}

static int copy_objects(pid_t like, const char *folder, char *loader)
{
	char path[64], line[4352], perms[5];
	int err = 0, at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", like);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (!err && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %4s %*s %*s %*s %n", perms, &at) == 1 && perms[2] == 'x' &&
		    line[at] == '/')
			err = copy_object(line + at, folder, loader);
	}
	fclose(f);
	return err;
}

int program_start_private(struct program *prog, pid_t like, const char *folder)
{
	char loader[2 * SCRATCH_PATH_BYTES] = "", name[SCRATCH_PATH_BYTES];
	char path[2 * SCRATCH_PATH_BYTES], link[64];
	char *with_loader[] = { loader, "--library-path", (char *)folder, path, NULL };
	char *alone[] = { path, NULL };
	ssize_t n;
	int err;

	*prog = (struct program){ 0 };
	snprintf(link, sizeof(link), "/proc/%d/exe", like);
	n = readlink(link, name, sizeof(name) - 1);
	if (n <= 0)
		return -errno;
	name[n] = '\0';
	err = copy_objects(like, folder, loader);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/%s", folder, strrchr(name, '/') + 1);
	return start(prog, loader[0] ? with_loader : alone);
}

void program_end(struct program *prog)
{
	if (prog->pid <= 0)
		return;
	close(prog->input);
	close(prog->output);
	kill(prog->pid, SIGKILL);
	while (waitpid(prog->pid, NULL, 0) < 0 && errno == EINTR)
		;
	prog->pid = 0;
}
