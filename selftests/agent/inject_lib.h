/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_INJECT_LIB_H
#define UPAGER_SELFTESTS_INJECT_LIB_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent_abi.h"
#include "agent/inject.h"
#include "base/types.h"

/* What the tests of the injector and of the agent share. */

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static inline void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Adopts and reaps what the tests orphan (agents), as init does, but at once. */
static inline void reap_until_end_of(pid_t tests)
{
	char path[64];
	int status = 0, test_status = 0;
	pid_t pid;
	FILE *f;
	int orphan;

	do {
		pid = wait(&status);
		if (pid == tests)
			test_status = status;
	} while (pid > 0 && pid != tests);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &orphan) == 1)
		kill(orphan, SIGKILL);
	exit(WIFEXITED(test_status) ? WEXITSTATUS(test_status) : 1);
}

/* Before main(): the helper, or the process that is init to the tests. */
__attribute__((constructor)) static void start(int argc, char **argv)
{
	pid_t pid;

	if (!strcmp(argv[0], INJECT_ARGV0))
		exit(inject_main(argc, argv));
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid = fork();
	if (pid > 0)
		reap_until_end_of(pid);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

struct program {
	pid_t pid;
	int in; /* its standard input */
	int out;
};

/* Starts selftests/targets/@name with arguments that a NULL ends, as @uid. */
static inline struct program program_start_as(uid_t uid, const char *name, const char *arg1,
					      const char *arg2)
{
	struct program p = { 0 };
	char path[512];
	int in[2], out[2];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);

	if (n < 0 || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return p;
	path[n] = '\0';
	*strrchr(path, '/') = '\0'; /* BUILD/selftests/FOLDER */
	strcpy(strrchr(path, '/'), "/targets/");
	strcat(path, name);
	p.pid = fork();
	if (p.pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		if (uid && (setgid(uid) || setuid(uid)))
			_exit(127);
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		execl(path, path, arg1, arg2, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	p.in = in[1];
	p.out = out[0];
	return p;
}

static inline struct program program_start(const char *name, const char *arg1, const char *arg2)
{
	return program_start_as(0, name, arg1, arg2);
}

/* The next line within @timeout_ms, without its end; NULL if none comes. */
static inline char *program_line(const struct program *p, int timeout_ms)
{
	static char line[128];
	size_t len = 0;
	struct pollfd pfd = { .fd = p->out, .events = POLLIN };

	while (len < sizeof(line) - 1 && poll(&pfd, 1, timeout_ms) > 0 &&
	       read(p->out, line + len, 1) == 1) {
		if (line[len] == '\n') {
			line[len] = '\0';
			return line;
		}
		len++;
	}
	return NULL;
}

static inline void program_end_input(struct program *p)
{
	if (p->in >= 0)
		close(p->in);
	p->in = -1;
}

/* Ends it if need be and takes its status. */
static inline int program_end(struct program *p)
{
	int status = -1;

	kill(p->pid, SIGKILL);
	kill(p->pid, SIGCONT);
	waitpid(p->pid, &status, 0);
	program_end_input(p);
	close(p->out);
	return status;
}

static inline char state_of(pid_t pid)
{
	char path[64], line[128], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "State: %c", &state);
	if (f)
		fclose(f);
	return state;
}

static inline bool becomes(pid_t pid, char state)
{
	for (int i = 0; i < 1000; i++) {
		if (state_of(pid) == state)
			return true;
		sleep_ms(5);
	}
	return false;
}

#define NO_ANSWER (-1000000)

/* A command to an inject_shell, without waiting for the answer. */
__attribute__((format(printf, 2, 3))) static inline void program_tell(const struct program *p,
								      const char *fmt, ...)
{
	char line[128];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (write(p->in, line, (size_t)len) != len)
		perror("write to the target");
}

static inline long program_answer(const struct program *p)
{
	const char *line = program_line(p, 10000);

	return line ? atol(line) : NO_ANSWER;
}

#define program_ask(p, ...) (program_tell(p, __VA_ARGS__), program_answer(p))

struct session {
	pid_t pid;
	int ctl_fd;
	int pool_fd;
	int event_fd;
	struct agent_ctl *ctl;
	struct inject_result res;
};

#define POOL_PAGES 1024

static inline int session_attach(struct session *s, pid_t pid, bool unprivileged, uint64_t features)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->pid = pid;
	s->ctl_fd = memfd_create("upager-ctl", MFD_CLOEXEC);
	s->pool_fd = memfd_create("upager-pool", MFD_CLOEXEC);
	s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ftruncate(s->ctl_fd, AGENT_CTL_BYTES) ||
	    ftruncate(s->pool_fd, (off_t)(POOL_PAGES * PAGE_SIZE)))
		return -errno;
	s->ctl = mmap(NULL, AGENT_CTL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, s->ctl_fd, 0);
	err = inject_attach(pid, 0, unprivileged, false, features, s->ctl_fd, s->pool_fd,
			    s->event_fd, NULL, NULL, &s->res);
	if (err) {
		munmap(s->ctl, AGENT_CTL_BYTES);
		close(s->ctl_fd);
		close(s->pool_fd);
		close(s->event_fd);
	}
	return err;
}

static inline void session_close(struct session *s)
{
	munmap(s->ctl, AGENT_CTL_BYTES);
	close(s->ctl_fd);
	close(s->pool_fd);
	close(s->event_fd);
	close(s->res.uffd);
	close(s->res.agent_pidfd);
}

static inline int session_remove(struct session *s)
{
	int err = inject_remove(s->pid, s->res.agent_pid, s->res.agent_pidfd, &s->res.place,
				s->res.cause);

	session_close(s);
	return err;
}

/* What /proc says about a process and may not have changed after a removal. */
struct traces {
	char text[65536];
};

static inline void traces_add(struct traces *t, const char *fmt, pid_t pid)
{
	size_t len = strlen(t->text);
	char command[256];
	FILE *f;

	snprintf(command, sizeof(command), fmt, pid, pid);
	f = popen(command, "re");
	if (!f)
		return;
	t->text[len + fread(t->text + len, 1, sizeof(t->text) - len - 1, f)] = '\0';
	pclose(f);
}

static inline void traces_take(struct traces *t, pid_t pid)
{
	t->text[0] = '\0';
	traces_add(t, "cat /proc/%d/maps", pid);
	traces_add(t, "cd /proc/%d/fd && for f in *; do echo $f $(readlink $f); done", pid);
	traces_add(t, "cat /proc/%d/task/*/children; ls /proc/%d/task", pid);
	/* Not what changes by itself: running or sleeping, signals in flight. */
	traces_add(t,
		   "sed -n -e 's/R (running)/S (sleeping)/' -e "
		   "'/^\\(State\\|Threads\\|Sig[BIC]\\|Cap\\|Seccomp\\|VmLck\\|VmSize\\)/p' "
		   "/proc/%d/status",
		   pid);
}

static inline bool traces_equal(const struct traces *a, const struct traces *b)
{
	size_t i = 0, line = 0;

	for (; a->text[i] && a->text[i] == b->text[i]; i++) {
		if (a->text[i] == '\n')
			line = i + 1;
	}
	if (a->text[i] == b->text[i])
		return true;
	fprintf(stderr, "# before: %.*s\n# after:  %.*s\n", (int)strcspn(a->text + line, "\n"),
		a->text + line, (int)strcspn(b->text + line, "\n"), b->text + line);
	return false;
}

#endif
