// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/size.h"
#include "base/types.h"
#include "cli/check.h"
#include "kernel/pageout.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define LOCKED_BYTES (64UL << 20)
#define FILES_FEW    4096

static int try_madvise(int advice)
{
	void *page =
		mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (page == MAP_FAILED)
		return -errno;
	err = madvise(page, PAGE_SIZE, advice) ? -errno : 0;
	munmap(page, PAGE_SIZE);
	return err;
}

static void probe_populate_write(const struct check *check, struct finding *finding)
{
	int err = try_madvise(MADV_POPULATE_WRITE);

	(void)check;
	if (err)
		check_failed(finding, err);
}

static void probe_held(const struct check *check, struct finding *finding)
{
	(void)check;
	if (!pageout_spares_held())
		check_failed(finding, -ENOSYS);
}

/* Zaps pages without an event: the one call that the pager cannot follow. */
static void probe_guard(const struct check *check, struct finding *finding)
{
	(void)check;
	if (try_madvise(MADV_GUARD_INSTALL))
		check_found(finding, CHECK_OK, "not in this kernel, nothing to follow");
	else
		check_found(finding, CHECK_WARNING,
			    "the pager is not told of it: a program must not use it "
			    "on memory that it filled");
}

static void probe_locked(const struct check *check, struct finding *finding)
{
	void *area = mmap(NULL, LOCKED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	char text[SIZE_TEXT_BYTES];
	struct rlimit limit;

	(void)check;
	getrlimit(RLIMIT_MEMLOCK, &limit);
	size_format(limit.rlim_cur, text, sizeof(text));
	if (area == MAP_FAILED || mlock2(area, LOCKED_BYTES, MLOCK_ONFAULT))
		check_found(finding, CHECK_WARNING,
			    "%s: too little for upagerd, unless it is started as root", text);
	else
		check_found(finding, CHECK_OK, "%s",
			    limit.rlim_cur == RLIM_INFINITY ? "unlimited"
			    : limit.rlim_cur < LOCKED_BYTES ? "no limit for root"
							    : text);
	if (area != MAP_FAILED)
		munmap(area, LOCKED_BYTES);
}

static void probe_files(const struct check *check, struct finding *finding)
{
	struct rlimit limit;

	(void)check;
	getrlimit(RLIMIT_NOFILE, &limit);
	check_found(finding, limit.rlim_max < FILES_FEW ? CHECK_WARNING : CHECK_OK,
		    limit.rlim_max < FILES_FEW
			    ? "hard limit %llu: few processes can be paged at once"
			    : "hard limit %llu",
		    (unsigned long long)limit.rlim_max);
}

static void probe_thp(const struct check *check, struct finding *finding)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char line[64] = "";

	(void)check;
	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	if (strstr(line, "[always]"))
		check_found(finding, CHECK_WARNING,
			    "always: programs grow by 2 MiB at a time, and what was evicted comes "
			    "back as small pages");
	else if (strstr(line, "[madvise]"))
		check_found(finding, CHECK_OK, "madvise");
	else
		check_found(finding, CHECK_OK, "never");
}

const struct check checks_memory[] = {
	{ "MADV_POPULATE_WRITE", CHECK_NEED_FULL,
	  "pages of a program that has forked stay resident", probe_populate_write, 0 },
	{ "held pages", CHECK_NEED_FULL,
	  "what is spliced, or read directly from a file system in the network, may be lost",
	  probe_held, 0 },
	{ "MADV_GUARD_INSTALL", CHECK_NEED_NONE, NULL, probe_guard, 0 },
	{ "transparent huge pages", CHECK_NEED_NONE, NULL, probe_thp, 0 },
	{ "RLIMIT_MEMLOCK", CHECK_NEED_NONE, NULL, probe_locked, 0 },
	{ "RLIMIT_NOFILE", CHECK_NEED_NONE, NULL, probe_files, 0 },
	{ 0 },
};
