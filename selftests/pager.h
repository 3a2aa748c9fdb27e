/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_PAGER_H
#define UPAGER_SELFTESTS_PAGER_H

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "daemon/lib/upager.h"
#include "selftests/guard.h"
#include "swap/area.h"

/*
 * An upagerd of the test's own: area, socket and state directory in the
 * guard's directories, its messages in a file.
 */
#define MIB (1024ULL * 1024)

struct pager_options {
	const char *disable; /* UPAGER_DISABLE */
	const char *failpoints; /* UPAGER_FAILPOINTS */
	uint64_t area_bytes; /* 0: 128 MiB */
	uint64_t area2_bytes; /* 0: no second area; it has the higher priority */
	rlim_t nofile; /* 0: as it is */
	rlim_t fsize; /* soft limit; 0: as it is */
	const char *args[6]; /* more of the command line */
	int errors; /* where its messages go, -1: closed; 0: to the log */
	/* NULL: the state is on no file system of its own; else its size, as tmpfs takes it. */
	const char *state_size;
};

struct pager {
	pid_t pid; /* 0: ended */
	struct upager *client;
	char area[600];
	char area2[600];
	char socket[200];
	char state[200];
	char log[200];
};

static inline void pager_paths(struct pager *pg)
{
	static int n;
	int id = getpid() * 16 + n++;

	*pg = (struct pager){ 0 };
	snprintf(pg->area, sizeof(pg->area), "%s/area.%d", guard_disk, id);
	snprintf(pg->area2, sizeof(pg->area2), "%s/area2.%d", guard_disk, id);
	snprintf(pg->socket, sizeof(pg->socket), "%s/socket.%d", guard_ram, id);
	snprintf(pg->state, sizeof(pg->state), "%s/state.%d", guard_ram, id);
	snprintf(pg->log, sizeof(pg->log), "%s/log.%d", guard_ram, id);
}

static inline int pager_make_area(const char *path, uint64_t bytes)
{
	struct area_make_options opt = { .size_bytes = bytes, .force = 1 };
	char cause[AREA_CAUSE_BYTES] = "";
	struct superblock sb;
	int err = area_make(path, &opt, &sb, cause);

	if (err)
		fprintf(stderr, "# mkswap: %s\n", cause);
	return err;
}

/* Seen by this process and what it starts only, and gone with them. */
static inline int pager_mount_state(const struct pager *pg, const char *size)
{
	char options[64];

	snprintf(options, sizeof(options), "mode=0700,size=%s", size);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (mkdir(pg->state, 0700) && errno != EEXIST)
		return -errno;
	return mount("tmpfs", pg->state, "tmpfs", 0, options) ? -errno : 0;
}

static inline void pager_exec(const struct pager *pg, const struct pager_options *opt,
			      const char *path, const char *swap2)
{
	const char *argv[20] = { "upagerd", "--swap",  pg->area,	 "--socket", pg->socket,
				 "--state", pg->state, "--hold-latency", "no" };
	int n = 9;

	if (opt->area2_bytes) {
		argv[n++] = "--swap";
		argv[n++] = swap2;
	}
	for (size_t i = 0; i < ARRAY_SIZE(opt->args) && opt->args[i]; i++)
		argv[n++] = opt->args[i];
	execv(path, (char *const *)(uintptr_t)argv);
}

/* Starts upagerd on what the paths say, which may be there already. */
static inline pid_t pager_spawn(const struct pager *pg, const struct pager_options *opt)
{
	char path[512], swap2[640];
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	guard_build_dir(path, sizeof(path) - 16);
	strcat(path, "/upagerd");
	snprintf(swap2, sizeof(swap2), "%s,pri=9", pg->area2);
	fd = open(pg->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(opt->errors > 0 ? opt->errors : fd, STDERR_FILENO);
	dup2(fd, STDOUT_FILENO);
	if (opt->errors < 0)
		close(STDERR_FILENO);
	if (opt->disable)
		setenv("UPAGER_DISABLE", opt->disable, 1);
	if (opt->failpoints)
		setenv("UPAGER_FAILPOINTS", opt->failpoints, 1);
	if (opt->nofile)
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ opt->nofile, opt->nofile });
	if (opt->fsize)
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){ opt->fsize, RLIM_INFINITY });
	if (opt->state_size && pager_mount_state(pg, opt->state_size))
		_exit(127);
	pager_exec(pg, opt, path, swap2);
	_exit(127);
}

static inline bool pager_answers(struct pager *pg)
{
	if (!pg->client && upager_open(pg->socket, &pg->client))
		return false;
	if (!upager_ping(pg->client, NULL))
		return true;
	upager_close(pg->client);
	pg->client = NULL;
	return false;
}

static inline bool pager_ended(struct pager *pg, int *status)
{
	if (!pg->pid || waitpid(pg->pid, status, WNOHANG) != pg->pid)
		return !pg->pid;
	pg->pid = 0;
	return true;
}

static inline void pager_show_log(const struct pager *pg)
{
	FILE *f = fopen(pg->log, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "# %s", line);
	if (f)
		fclose(f);
}

static inline int pager_logged_times(const struct pager *pg, const char *text)
{
	FILE *f = fopen(pg->log, "re");
	char line[512];
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, text) != NULL;
	if (f)
		fclose(f);
	return n;
}

static inline bool pager_logged(const struct pager *pg, const char *text)
{
	return pager_logged_times(pg, text);
}

static inline int pager_start(struct pager *pg, const struct pager_options *opt)
{
	int status = 0;

	pager_paths(pg);
	if (pager_make_area(pg->area, opt->area_bytes ? opt->area_bytes : 128 * MIB))
		return -EIO;
	if (opt->area2_bytes && pager_make_area(pg->area2, opt->area2_bytes))
		return -EIO;
	pg->pid = pager_spawn(pg, opt);
	if (wait_until(20, pager_answers(pg) || pager_ended(pg, &status)) && pg->pid)
		return 0;
	pager_show_log(pg);
	return -EIO;
}

/* SIGKILL, as by an accident. */
static inline void pager_kill(struct pager *pg)
{
	if (pg->pid) {
		kill(pg->pid, SIGKILL);
		waitpid(pg->pid, NULL, 0);
	}
	pg->pid = 0;
}

/* Another upagerd on what the one that ended has left. */
static inline int pager_restart(struct pager *pg, const struct pager_options *opt)
{
	int status = 0;

	upager_close(pg->client);
	pg->client = NULL;
	pager_kill(pg);
	pg->pid = pager_spawn(pg, opt);
	if (wait_until(20, pager_answers(pg) || pager_ended(pg, &status)) && pg->pid)
		return 0;
	pager_show_log(pg);
	return -EIO;
}

/* Orderly; the exit status, or -1 when it did not come or was a signal's. */
static inline int pager_stop(struct pager *pg)
{
	int status = -1;

	if (pg->pid)
		kill(pg->pid, SIGTERM);
	if (!pg->pid || !wait_until(20, pager_ended(pg, &status)))
		fprintf(stderr, "# upagerd did not end\n");
	else if (WIFEXITED(status))
		return WEXITSTATUS(status);
	else
		fprintf(stderr, "# upagerd ended by signal %d\n", WTERMSIG(status));
	pager_show_log(pg);
	pager_kill(pg);
	return -1;
}

static inline void pager_fini(struct pager *pg)
{
	upager_close(pg->client);
	pg->client = NULL;
	pager_kill(pg);
	unlink(pg->area);
	unlink(pg->area2);
}

static inline struct upager_record pager_status(struct pager *pg, pid_t pid)
{
	struct upager_record *list = NULL, rec = { 0 };
	uint32_t n = 0;

	if (pg->client && !upager_status(pg->client, pid, &list, &n) && n)
		rec = list[0];
	free(list);
	return rec;
}

#endif
