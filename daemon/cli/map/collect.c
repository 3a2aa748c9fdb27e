// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/map/bss.h"
#include "cli/map/kind.h"
#include "cli/map/pager.h"
#include "cli/map/pages.h"
#include "cli/map/smaps.h"
#include "cli/map/users.h"
#include "cli/message.h"
#include "cli/query.h"
#include "uapi/upager_proto.h"

#define WINDOW_47_BITS ((1ULL << 47) - PAGE_SIZE)
#define WINDOW_56_BITS ((1ULL << 56) - PAGE_SIZE)

static int fail(pid_t pid, const char *command, int err)
{
	switch (err) {
	case -ESRCH:
	case -ENOENT:
		return message_fail(
			UPAGER_EXIT_FAILED,
			"no process %d, or you may not see it: check the number with ps", pid);
	case -EPERM:
	case -EACCES:
		return message_fail(UPAGER_EXIT_FAILED,
				    "process %d is not yours to look into: run upager %s as root%s",
				    pid, command, geteuid() ? "" : ", with CAP_SYS_PTRACE over it");
	case -ENODATA:
		return message_fail(
			UPAGER_EXIT_FAILED,
			"process %d has no memory of its own: it is a kernel thread, or "
			"has ended",
			pid);
	default:
		return message_fail(UPAGER_EXIT_FAILED, "cannot look into process %d: %s", pid,
				    strerror(-err));
	}
}

static FILE *open_file(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

static void read_comm(pid_t pid, struct map *m)
{
	FILE *f = open_file(pid, "comm");

	if (f && fgets(m->comm, sizeof(m->comm), f))
		m->comm[strcspn(m->comm, "\n")] = '\0';
	if (f)
		fclose(f);
}

/* Where the heap would begin: field 47 of stat, counted behind the name, which may hold anything. */
static uint64_t read_start_brk(pid_t pid)
{
	char line[2048], *at = NULL;
	FILE *f = open_file(pid, "stat");
	uint64_t brk = 0;

	if (f && fgets(line, sizeof(line), f))
		at = strrchr(line, ')');
	if (f)
		fclose(f);
	for (int field = 2; at && field < 47; field++)
		at = strchr(at + 1, ' ');
	if (at)
		brk = strtoull(at, NULL, 10);
	return brk;
}

static void read_program(pid_t pid, char *path, size_t len)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, path, len - 1);
	path[n > 0 ? n : 0] = '\0';
}

static int read_pages(pid_t pid, struct map *m)
{
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = map_pages_read(fd, m);
	if (fd >= 0)
		close(fd);
	return err;
}

/* Who may not ask it, or asks a module of another version, has none. */
static void ask_module(struct map *m)
{
	struct report report;

	if (query_ask(m->pid, &report))
		return;
	m->module = true;
	m->cow_shared_pages = report_number(&report, REPORT_COW, 0, "shared_now_pages");
	m->cow_maybe_pages = report_number(&report, REPORT_COW, 0, "maybe_shared_pages");
	report_fini(&report);
}

static void find_ends(struct map *m)
{
	uint64_t last = m->region[m->nr_regions - 1].end;

	m->space_bytes = last > WINDOW_47_BITS ? WINDOW_56_BITS : WINDOW_47_BITS;
	m->brk = read_start_brk(m->pid);
	for (uint32_t i = 0; i < m->nr_regions; i++)
		if (m->region[i].kind == MAP_HEAP && !strcmp(m->region[i].name, "[heap]"))
			m->brk = m->region[i].end;
}

static int collect(struct map *m)
{
	FILE *smaps = open_file(m->pid, "smaps");
	char program[4096];
	int err;

	if (!smaps)
		return -errno;
	err = map_smaps_read(smaps, m);
	fclose(smaps);
	if (!err && !m->nr_regions)
		err = -ENODATA;
	if (err)
		return err;
	read_program(m->pid, program, sizeof(program));
	err = map_kinds_find(m, program) ?: read_pages(m->pid, m) ?: map_users_count(m);
	if (err)
		return err;
	find_ends(m);
	return map_bss_check(m) ?: map_pager_ask(m);
}

int map_collect(pid_t pid, const char *command, struct map *m)
{
	int err;

	*m = (struct map){ .pid = pid, .taken_s = (uint64_t)time(NULL) };
	read_comm(pid, m);
	err = collect(m);
	if (err) {
		map_free(m);
		return fail(pid, command, err);
	}
	ask_module(m);
	return UPAGER_EXIT_OK;
}
