/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_TRACES_H
#define UPAGER_SELFTESTS_TRACES_H

#include <dirent.h>

#include "base/types.h"
#include "selftests/pager.h"

/* What /proc tells of a process, which attach and detach leave as it was. */
static pid_t guard_pid;

__attribute__((constructor)) static void know_guard(void)
{
	guard_pid = getppid();
}

static inline uint64_t rss_anon(pid_t pid)
{
	unsigned long long kib = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "RssAnon: %llu kB", &kib);
	if (f)
		fclose(f);
	return kib * 1024;
}

struct traces {
	char text[128 * 1024];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static inline void traces_add(struct traces *t,
								    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->text + t->len, sizeof(t->text) - t->len, fmt, ap);
	va_end(ap);
	if (t->len >= sizeof(t->text))
		t->len = sizeof(t->text) - 1;
}

/* Lines of a file of /proc that begin with a word. */
static inline void traces_add_lines(struct traces *t, const char *path, const char *word)
{
	FILE *f = fopen(path, "re");
	char line[4200];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, word, strlen(word)))
			traces_add(t, "%s", line);
	if (f)
		fclose(f);
}

static inline void traces_add_links(struct traces *t, const char *path)
{
	char target[300];
	struct dirent *d;
	DIR *dir = opendir(path);

	while (dir && (d = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1);

		traces_add(t, "%s %.*s\n", d->d_name, (int)max_t(ssize_t, n, 0), target);
	}
	if (dir)
		closedir(dir);
}

/*
 * Mappings with their addresses and names, flags that userfaultfd sets (um,
 * uw), descriptors, threads; children unless it has some of its own.
 */
static inline void traces_take(struct traces *t, pid_t pid, bool forks)
{
	static const char *const words[] = { "Threads:", "SigBlk:", "SigIgn:",	   "SigCgt:",
					     "CapEff:",	 "VmLck:",  "NoNewPrivs:", "Seccomp:" };
	char path[64], line[4200];
	FILE *f;

	t->len = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	traces_add_lines(t, path, "");
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmFlags:", 8) &&
		    (strstr(line, " um") || strstr(line, " uw") || strstr(line, " dc")))
			traces_add(t, "%s", line);
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	traces_add_links(t, path);
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	traces_add_links(t, path);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		traces_add_lines(t, path, words[i]);
	if (forks)
		return;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	traces_add_lines(t, path, "");
}

static inline bool traces_equal(const struct traces *a, const struct traces *b)
{
	if (a->len > 100 && !strcmp(a->text, b->text))
		return true;
	fprintf(stderr, "# before:\n%s# after:\n%s", a->text, b->text);
	return false;
}

/* Children of the guard, to which orphans come as agents are; it reaps them at once. */
static inline int nr_orphans(void)
{
	char path[64];
	int n = 0, pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", guard_pid, guard_pid);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		n++;
	if (f)
		fclose(f);
	return n;
}

#endif
