// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/types.h"

static FILE *open_file(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return fopen(path, "re");
}

static bool is_key(const char *line, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(line, key, len) && line[len] == ':';
}

static uint64_t parse(const char *line)
{
	const char *at = strchr(line, ':') + 1;
	char *end;
	uint64_t value = strtoull(at, &end, 10);

	return !strncmp(end, " kB", 3) ? value << 10 : value;
}

int proc_get(pid_t pid, const char *file, const char *key, uint64_t *value)
{
	FILE *f = open_file(pid, file);
	int err = -ENODATA;
	char line[512];

	if (!f)
		return -errno;
	while (err && fgets(line, sizeof(line), f))
		if (is_key(line, key)) {
			*value = parse(line);
			err = 0;
		}
	fclose(f);
	return err;
}

int proc_get_mapping(pid_t pid, uint64_t address, const char *key, uint64_t *value)
{
	FILE *f = open_file(pid, "smaps");
	bool within = false;
	int err = -ENODATA;
	uint64_t from, to;
	char line[4352];

	if (!f)
		return -errno;
	while (err && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2) {
			within = from <= address && address < to;
		} else if (within && is_key(line, key)) {
			*value = parse(line);
			err = 0;
		}
	}
	fclose(f);
	return err;
}

int proc_sum_mappings(pid_t pid, const char *name, const char *key, uint64_t *value)
{
	FILE *f = open_file(pid, "smaps");
	bool within = false;
	char line[4352];
	int at;

	if (!f)
		return -errno;
	*value = 0;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		at = 0;
		if (sscanf(line, "%*x-%*x %*s %*x %*s %*u %n", &at) == 0 && at)
			within = !strcmp(line + at, name);
		else if (within && is_key(line, key))
			*value += parse(line);
	}
	fclose(f);
	return 0;
}

int proc_entry(const void *address, uint64_t *entry)
{
	off_t at = (off_t)((uintptr_t)address >> PAGE_SHIFT) * (off_t)sizeof(*entry);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (pread(fd, entry, sizeof(*entry), at) != (ssize_t)sizeof(*entry))
		err = -EIO;
	close(fd);
	return err;
}

struct proc_faults proc_faults(void)
{
	struct rusage usage = { 0 };

	getrusage(RUSAGE_SELF, &usage);
	return (struct proc_faults){ (uint64_t)usage.ru_minflt, (uint64_t)usage.ru_majflt };
}

void proc_program_folder(char *path, size_t len)
{
	ssize_t n = readlink("/proc/self/exe", path, len - 1);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
}
