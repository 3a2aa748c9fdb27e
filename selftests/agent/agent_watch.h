/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_AGENT_WATCH_H
#define UPAGER_SELFTESTS_AGENT_WATCH_H

#include <fcntl.h>

#include "agent/agent_abi.h"
#include "selftests/guard.h"

/* The agent of a target that a daemon pages, seen from outside. */

static inline pid_t agent_of(pid_t pid)
{
	char path[64], comm[64] = "", line[128];
	pid_t agent = 0;

	/* An orphan, made right after its target. */
	for (pid_t n = pid + 1; n < pid + 200 && !agent; n++) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/comm", n);
		f = fopen(path, "re");
		if (f && fgets(line, sizeof(line), f) && sscanf(line, "%63s", comm) == 1 &&
		    !strcmp(comm, "upager-agent"))
			agent = n;
		if (f)
			fclose(f);
	}
	return agent;
}

static inline bool is_stopped(pid_t pid)
{
	char path[64], text[256] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strstr(text, ") T");
}

/* Where its control page is in the target; 0: nowhere. */
static inline uint64_t ctl_at(pid_t pid)
{
	char path[64], line[512];
	unsigned long long addr = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && !addr && fgets(line, sizeof(line), f))
		if (strstr(line, "rw-s") && strstr(line, "memfd:upager-agent"))
			sscanf(line, "%llx", &addr);
	if (f)
		fclose(f);
	return addr;
}

static inline bool read_ctl(pid_t pid, struct agent_ctl *ctl)
{
	uint64_t addr = ctl_at(pid);
	char path[64];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	ok = addr && fd >= 0 && pread(fd, ctl, sizeof(*ctl), (off_t)addr) == (ssize_t)sizeof(*ctl);
	if (fd >= 0)
		close(fd);
	return ok && ctl->magic == AGENT_MAGIC;
}

/* Stopped where it holds nothing up: not within a MOVE. */
static inline bool agent_stop_idle(pid_t pid, pid_t agent)
{
	static struct agent_ctl ctl;

	for (int i = 0; i < 3000; i++) {
		kill(agent, SIGSTOP);
		if (!wait_until(5, is_stopped(agent)) || !read_ctl(pid, &ctl))
			return false;
		if (!ctl.busy)
			return true;
		kill(agent, SIGCONT);
		sleep_us(100);
	}
	return false;
}

#endif
