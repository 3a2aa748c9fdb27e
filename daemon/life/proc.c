// SPDX-License-Identifier: GPL-2.0-only
#include "life/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

int proc_open_file(const struct proc *proc, const char *name, int flags)
{
	int fd = openat(proc->dir_fd, name, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The whole of a small /proc file as text; its length or -errno. */
static ssize_t read_at(int dir_fd, const char *name, char *text, size_t size)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		n = -errno;
	else
		text[n] = '\0';
	close(fd);
	return n;
}

static bool has_memory(const struct proc *p)
{
	char status[4096];

	/* Kernel threads and zombies have no VmSize line. */
	return read_at(p->dir_fd, "status", status, sizeof(status)) > 0 &&
	       strstr(status, "\nVmSize:");
}

static bool is_zombie(const struct proc *p)
{
	char status[4096];

	return read_at(p->dir_fd, "status", status, sizeof(status)) > 0 &&
	       strstr(status, "\nState:\tZ");
}

/* Whatever has this number, be it a zombie. */
static int open_any(struct proc **proc, pid_t pid, char text[UPAGER_TEXT_BYTES])
{
	struct proc *p = calloc(1, sizeof(*p));
	char path[32];
	struct stat st;

	if (!p)
		return -ENOMEM;
	p->pid = p->live_tid = pid;
	p->dir_fd = p->statm_fd = -1;
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p->pidfd < 0)
		goto no_process;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	p->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir_fd < 0 || fstat(p->dir_fd, &st))
		goto no_process;
	p->uid = st.st_uid;
	p->statm_fd = proc_open_file(p, "statm", O_RDONLY);
	if (p->statm_fd < 0)
		goto no_process;
	*proc = p;
	return 0;

no_process:
	snprintf(text, UPAGER_TEXT_BYTES, "no process %d: check the number with ps", pid);
	proc_close(p);
	return -ESRCH;
}

int proc_open(struct proc **proc, pid_t pid, char text[UPAGER_TEXT_BYTES])
{
	struct proc *p;
	int err = open_any(&p, pid, text);

	if (err)
		return err;
	if (is_zombie(p)) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d has ended and waits for its parent: name a living one", pid);
		err = -ESRCH;
	} else if (!has_memory(p)) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d is a kernel thread: it has no memory to page; name a program",
			 pid);
		err = -EPERM;
	}
	if (err)
		proc_close(p);
	else
		*proc = p;
	return err;
}

int proc_open_known(struct proc **proc, pid_t pid)
{
	char text[UPAGER_TEXT_BYTES];

	return open_any(proc, pid, text);
}

void proc_close(struct proc *p)
{
	if (p->pidfd >= 0)
		close(p->pidfd);
	if (p->dir_fd >= 0)
		close(p->dir_fd);
	if (p->statm_fd >= 0)
		close(p->statm_fd);
	free(p);
}

struct statm {
	unsigned long long size;
	unsigned long long resident;
	unsigned long long shared;
};

/* False for a thread that has ended: it has no memory. */
static bool read_statm(int fd, struct statm *st)
{
	char text[128];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return sscanf(text, "%llu %llu %llu", &st->size, &st->resident, &st->shared) == 3 &&
	       st->size;
}

/* Looks through another thread from now on. */
static bool find_live_thread(struct proc *p, struct statm *st)
{
	int task_fd = proc_open_file(p, "task", O_RDONLY | O_DIRECTORY);
	bool found = false;
	struct dirent *d;
	DIR *dir = task_fd < 0 ? NULL : fdopendir(task_fd);

	if (!dir) {
		if (task_fd >= 0)
			close(task_fd);
		return false;
	}
	while (!found && (d = readdir(dir))) {
		char path[288];
		int fd;

		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "task/%s/statm", d->d_name);
		fd = proc_open_file(p, path, O_RDONLY);
		if (fd < 0)
			continue;
		found = read_statm(fd, st);
		if (!found) {
			close(fd);
			continue;
		}
		close(p->statm_fd);
		p->statm_fd = fd;
		p->live_tid = (pid_t)strtol(d->d_name, NULL, 10);
	}
	closedir(dir);
	return found;
}

int proc_sample(struct proc *p)
{
	struct statm st;

	if (!read_statm(p->statm_fd, &st) && !find_live_thread(p, &st))
		return -ESRCH;
	if (st.size != p->size_pages)
		p->size_changed = true;
	p->size_pages = st.size;
	p->rss_pages = st.resident > st.shared ? st.resident - st.shared : 0;
	return 0;
}

void proc_comm(const struct proc *p, char comm[16])
{
	char text[32];

	memset(comm, 0, 16);
	if (read_at(p->dir_fd, "comm", text, sizeof(text)) <= 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	snprintf(comm, 16, "%.15s", text);
}

bool proc_same_space(const struct proc *p)
{
	long ret;

	if (!p->space || p->space->agent.pid <= 0)
		return true;
	ret = syscall(SYS_kcmp, p->live_tid, p->space->agent.pid, KCMP_VM, 0, 0);
	/* An error tells nothing, and an agent that is dead has no memory. */
	return ret <= 0 || fd_readable(p->space->agent.pidfd);
}

/* Value of a "Name:\tvalue" line of /proc/ID/status; last: its last word. */
static long status_value(const char *id, const char *name, bool last)
{
	char path[288], text[4096], *line;
	long value = 0;

	snprintf(path, sizeof(path), "/proc/%s/status", id);
	if (read_at(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return 0;
	line = strstr(text, name);
	if (!line)
		return 0;
	line += strlen(name);
	line[strcspn(line, "\n")] = '\0';
	for (char *word = strtok(line, "\t "); word; word = strtok(NULL, "\t ")) {
		value = strtol(word, NULL, 10);
		if (!last)
			break;
	}
	return value;
}

static bool same_pid_namespace(const char *id, const struct proc *parent)
{
	char path[288], a[64] = "", b[64] = "";
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/ns/pid", id);
	n = readlink(path, a, sizeof(a) - 1);
	if (n <= 0)
		return false;
	n = parent ? readlinkat(parent->dir_fd, "ns/pid", b, sizeof(b) - 1)
		   : readlink("/proc/self/ns/pid", b, sizeof(b) - 1);
	return n > 0 && !strcmp(a, b);
}

int proc_birth(const char *name, pid_t *parent_pid, uint64_t *ticks)
{
	char path[288], text[1024], *fields;
	unsigned long long start;

	snprintf(path, sizeof(path), "/proc/%s/stat", name);
	if (read_at(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return -ESRCH;
	/* The name before may have anything in it. */
	fields = strrchr(text, ')');
	if (!fields || sscanf(fields + 1,
			      " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			      "%*d %*d %llu",
			      parent_pid, &start) != 2)
		return -EINVAL;
	*ticks = start;
	return 0;
}

uint64_t proc_stack_addr(const struct proc *p)
{
	char text[1024], *fields;
	unsigned long long addr;

	if (read_at(p->dir_fd, "stat", text, sizeof(text)) <= 0)
		return 0;
	fields = strrchr(text, ')');
	for (int i = 2; fields && i < 28; i++) /* the name is the second field, this the 28th */
		fields = strchr(fields + 1, ' ');
	return fields && sscanf(fields, " %llu", &addr) == 1 ? addr : 0;
}

pid_t proc_of_pidfd(int pidfd)
{
	char path[64], text[512], *line;
	ssize_t n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	f = fopen(path, "re");
	if (f) {
		n = (ssize_t)fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	if (n <= 0)
		return -1;
	text[n] = '\0';
	line = strstr(text, "\nPid:");
	return line ? (pid_t)strtol(line + 5, NULL, 10) : -1;
}

pid_t proc_parent_of(const char *name)
{
	return (pid_t)status_value(name, "\nPPid:", false);
}

bool proc_is_elsewhere(const struct proc *p)
{
	return !same_pid_namespace("self", p);
}

pid_t proc_of_thread(uint32_t tid, const struct proc *parent)
{
	char id[16];
	struct dirent *d;
	pid_t pid = 0;
	DIR *dir;

	if (!parent || same_pid_namespace("self", parent)) {
		snprintf(id, sizeof(id), "%u", tid);
		return (pid_t)status_value(id, "\nTgid:", false);
	}
	/* The number is of another namespace: look for who has it there. */
	dir = opendir("/proc");
	while (dir && !pid && (d = readdir(dir))) {
		if (d->d_name[0] < '0' || d->d_name[0] > '9' ||
		    status_value(d->d_name, "\nNSpid:", true) != (long)tid ||
		    !same_pid_namespace(d->d_name, parent))
			continue;
		pid = (pid_t)status_value(d->d_name, "\nTgid:", false);
	}
	if (dir)
		closedir(dir);
	return pid;
}
