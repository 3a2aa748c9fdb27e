// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/users.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* It shares the memory of its program, and is no second process that maps anything. */
#define AGENT_COMM "upager-agent\n"

static bool is_agent(pid_t pid)
{
	char path[64], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f && !fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	if (f)
		fclose(f);
	return !strcmp(comm, AGENT_COMM);
}

static void note_line(struct map *m, const char *line, bool *seen)
{
	uint32_t major, minor;
	uint64_t inode;

	if (sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major, &minor, &inode) != 3 || !inode)
		return;
	for (uint32_t i = 0; i < m->nr_objects; i++)
		if (m->object[i].inode == inode && m->object[i].dev_major == major &&
		    m->object[i].dev_minor == minor)
			seen[i] = true;
}

/* Kernel threads and zombies have none that could be hidden. */
static bool has_memory(pid_t pid)
{
	char path[64];
	unsigned long pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages;
}

static void look_at(struct map *m, pid_t pid, bool *seen)
{
	char path[64], *line = NULL;
	size_t room = 0;
	bool any = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f) {
		m->processes_hidden += has_memory(pid);
		return;
	}
	memset(seen, 0, m->nr_objects * sizeof(*seen));
	while (getline(&line, &room, f) > 0) {
		note_line(m, line, seen);
		any = true;
	}
	free(line);
	fclose(f);
	m->processes_read += any;
	for (uint32_t i = 0; i < m->nr_objects; i++)
		m->object[i].processes += seen[i];
}

int map_users_count(struct map *m)
{
	bool *seen = calloc(m->nr_objects + 1, sizeof(*seen));
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (seen && proc && (entry = readdir(proc)))
		if (atoi(entry->d_name) > 0 && !is_agent(atoi(entry->d_name)))
			look_at(m, atoi(entry->d_name), seen);
	if (proc)
		closedir(proc);
	if (!seen)
		return -ENOMEM;
	free(seen);
	return 0;
}
