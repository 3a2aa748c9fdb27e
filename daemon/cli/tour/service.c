// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/tour/proc.h"
#include "lib/upager.h"
#include "swap/area.h"

#define WAIT_NS	       (20 * NS_PER_S)
#define LOOK_NS	       (20 * NS_PER_MS)
#define SOCKET	       "UPAGER_SOCKET"
#define PATH_MAX_BYTES (2 * SCRATCH_PATH_BYTES)

static void pause_for(uint64_t ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = (long)ns }, NULL);
}

/* Beside this program, or where it is installed. */
static int find_daemon(char path[PATH_MAX_BYTES])
{
	static const char *const places[] = { "upagerd", "../sbin/upagerd" };
	char folder[SCRATCH_PATH_BYTES];

	proc_program_folder(folder, sizeof(folder));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, PATH_MAX_BYTES, "%s/%s", folder, places[i]);
		if (!access(path, X_OK))
			return 0;
	}
	return -ENOENT;
}

__attribute__((noreturn)) static void become(const struct service *s, pid_t parent,
					     const char *program)
{
	char socket[PATH_MAX_BYTES], state[PATH_MAX_BYTES], log[PATH_MAX_BYTES];
	int fd;

	/* The terminal's signals are for the tour, which ends it. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	snprintf(socket, sizeof(socket), "%s/socket", s->run);
	snprintf(state, sizeof(state), "%s/state", s->run);
	snprintf(log, sizeof(log), "%s/log", s->run);
	fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(1);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	execl(program, program, "--config", "/dev/null", "--swap", s->area, "--socket", socket,
	      "--state", state, NULL);
	_exit(127);
}

/* The last line that it logged. */
static void read_cause(const struct service *s, char cause[SERVICE_CAUSE_BYTES])
{
	char path[PATH_MAX_BYTES], line[SERVICE_CAUSE_BYTES];
	FILE *f;

	snprintf(cause, SERVICE_CAUSE_BYTES, "upagerd does not start");
	snprintf(path, sizeof(path), "%s/log", s->run);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0])
			memcpy(cause, line, sizeof(line));
	}
	if (f)
		fclose(f);
}

static int wait_ready(struct service *s, char cause[SERVICE_CAUSE_BYTES])
{
	uint64_t until_ns = clock_ns() + WAIT_NS;
	struct upager *u;

	while (upager_open(NULL, &u)) {
		if (waitpid(s->pid, NULL, WNOHANG)) {
			s->pid = 0;
			read_cause(s, cause);
			return -ECHILD;
		}
		if (clock_ns() > until_ns || progress_interrupted()) {
			read_cause(s, cause);
			return -ETIMEDOUT;
		}
		pause_for(LOOK_NS);
	}
	upager_close(u);
	return 0;
}

static void set_socket(struct service *s)
{
	const char *before = getenv(SOCKET);
	char path[PATH_MAX_BYTES];

	s->socket_before = before ? strdup(before) : NULL;
	snprintf(path, sizeof(path), "%s/socket", s->run);
	setenv(SOCKET, path, 1);
}

int service_start(struct service *s, uint64_t area_bytes, char cause[SERVICE_CAUSE_BYTES])
{
	struct area_make_options opt = { .size_bytes = area_bytes, .force = 1 };
	char program[PATH_MAX_BYTES], why[AREA_CAUSE_BYTES] = "";
	pid_t parent = getpid();
	struct superblock sb;
	int err;

	*s = (struct service){ 0 };
	if (find_daemon(program)) {
		snprintf(cause, SERVICE_CAUSE_BYTES, "upagerd is not where upager is");
		return -ENOENT;
	}
	err = scratch_folder(s->run, "/run") && scratch_folder(s->run, "/tmp");
	err = err ? -errno : scratch_folder(s->folder, NULL);
	if (err) {
		snprintf(cause, SERVICE_CAUSE_BYTES, "no folder for its files: %s", strerror(-err));
		scratch_folder_remove(s->run);
		return err;
	}
	snprintf(s->area, sizeof(s->area), "%s/area", s->folder);
	set_socket(s);
	err = area_make(s->area, &opt, &sb, why);
	if (err) {
		snprintf(cause, SERVICE_CAUSE_BYTES, "%s", why);
		goto undo;
	}
	s->pid = fork();
	if (!s->pid)
		become(s, parent, program);
	err = s->pid < 0 ? -errno : wait_ready(s, cause);
	if (!err)
		return 0;
undo:
	service_end(s);
	return err;
}

/* It gives everything back first; who does not end is ended. */
static void end(pid_t pid)
{
	uint64_t until_ns = clock_ns() + WAIT_NS;

	kill(pid, SIGTERM);
	while (!waitpid(pid, NULL, WNOHANG)) {
		if (clock_ns() > until_ns)
			kill(pid, SIGKILL);
		pause_for(LOOK_NS);
	}
}

void service_end(struct service *s)
{
	if (s->pid > 0)
		end(s->pid);
	scratch_folder_remove(s->folder);
	scratch_folder_remove(s->run);
	if (s->socket_before)
		setenv(SOCKET, s->socket_before, 1);
	else
		unsetenv(SOCKET);
	free(s->socket_before);
}
