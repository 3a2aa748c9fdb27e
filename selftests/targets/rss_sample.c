// SPDX-License-Identifier: GPL-2.0-only
/*
 * rss_sample PID BUDGET_BYTES [sum]: how much private anonymous memory a program
 * has.  Every 100 ms, until PID ends, the largest RssAnon among PID and its
 * descendants is taken, or the sum of all; then `key value` lines say what was seen.  A budget of
 * 0 is none.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS (100 * 1000 * 1000)
#define PIDS_MAX  4096

struct process {
	int pid;
	int parent;
	char state;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* False when the process is gone. */
static bool process_read(int pid, struct process *p)
{
	char path[64], line[512], *rest;
	FILE *f;
	bool got;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	got = fgets(line, sizeof(line), f) != NULL;
	fclose(f);
	if (!got)
		return false;
	/* The command name may hold anything, a closing parenthesis too. */
	rest = strrchr(line, ')');
	p->pid = pid;
	return rest && sscanf(rest, ") %c %d", &p->state, &p->parent) == 2;
}

static uint64_t rss_anon_bytes(int pid)
{
	char path[64], line[256];
	uint64_t kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %" SCNu64 " kB", &kib) == 1)
			break;
	fclose(f);
	return kib * 1024;
}

static size_t process_list(struct process *list, size_t max)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	size_t n = 0;

	if (!dir)
		return 0;
	while (n < max && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    process_read(atoi(entry->d_name), &list[n]))
			n++;
	closedir(dir);
	return n;
}

/* The pids of root's family, root first. */
static size_t family_list(int root, int *family, size_t max)
{
	static struct process list[PIDS_MAX];
	size_t nr = process_list(list, PIDS_MAX);
	size_t n = 0;

	family[n++] = root;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < nr && n < max; j++)
			if (list[j].parent == family[i])
				family[n++] = list[j].pid;
	return n;
}

int main(int argc, char **argv)
{
	uint64_t budget, limit, max = 0, samples = 0, over_since = 0, over_longest = 0;
	static int family[PIDS_MAX];
	size_t nr_family = 0;
	struct process p;
	bool sum;
	int root;

	if (argc < 3) {
		fprintf(stderr, "usage: rss_sample PID BUDGET_BYTES [sum]\n");
		return 2;
	}
	root = atoi(argv[1]);
	sum = argc > 3 && !strcmp(argv[3], "sum");
	budget = strtoull(argv[2], NULL, 10);
	limit = budget + budget / 10;

	while (process_read(root, &p) && p.state != 'Z') {
		const struct timespec period = { .tv_nsec = PERIOD_NS };
		uint64_t rss = 0, now;

		/* To list the family reads all of /proc. */
		if (samples % 5 == 0 || sum)
			nr_family = family_list(root, family, PIDS_MAX);
		for (size_t i = 0; i < nr_family; i++) {
			uint64_t one = rss_anon_bytes(family[i]);

			rss = sum ? rss + one : one > rss ? one : rss;
		}
		now = now_ns();
		samples++;
		if (rss > max)
			max = rss;
		if (budget && rss > limit) {
			if (!over_since)
				over_since = now;
			if (now - over_since > over_longest)
				over_longest = now - over_since;
		} else {
			over_since = 0;
		}
		nanosleep(&period, NULL);
	}
	printf("version 1\n"
	       "samples %" PRIu64 "\n"
	       "max_bytes %" PRIu64 "\n"
	       "over_longest_ms %" PRIu64 "\n",
	       samples, max, over_longest / 1000000u);
	return 0;
}
