/* SPDX-License-Identifier: GPL-2.0-only */
/* The mappings of a process and the holes between them, as /proc/PID/smaps has them. */
#ifndef UPAGER_KMOD_MAPS_H
#define UPAGER_KMOD_MAPS_H

#include "module.h"

#include <sys/stat.h>

#define NR_MAPS_MAX 4096
#define WINDOW_END  0x7ffffffff000UL
#define VSYSCALL    0xffffffffff600000UL
#define SMAPS_SIZE  (8UL << 20)
#define NAME_SIZE   256

struct map {
	uint64_t start, end;
	char access[5]; /* as "r-xp" */
	unsigned int dev_major, dev_minor;
	uint64_t inode;
	char name[NAME_SIZE];
	/* Of smaps. */
	uint64_t resident_bytes, shared_bytes, private_bytes, proportional_bytes;
};

struct hole {
	uint64_t start, end;
	const char *below, *above;
};

struct maps {
	unsigned int nr, nr_holes;
	uint64_t space_bytes;
	struct map map[NR_MAPS_MAX];
	struct hole hole[NR_MAPS_MAX + 1];
};

/* Not on the heap or the stack: reading maps must map nothing. */
static struct maps maps;
static char maps_text[2][SMAPS_SIZE];

static inline int maps_take(pid_t pid, const char *file, char *text)
{
	char path[64];
	size_t len = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, text + len, SMAPS_SIZE - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	return n < 0 ? -errno : 0;
}

/* Whether something is the same as when it was taken: what lies between is of one state. */
static inline bool maps_still(pid_t pid, const char *file)
{
	return !maps_take(pid, file, maps_text[1]) && !strcmp(maps_text[0], maps_text[1]);
}

/* With five levels of page tables there is more room, of which only who asks gets some. */
static inline uint64_t maps_space(void)
{
	char line[8192];
	bool wide = false;
	FILE *f = fopen("/proc/cpuinfo", "re");

	while (f && fgets(line, sizeof(line), f))
		wide = wide || (!strncmp(line, "flags", 5) && strstr(line, " la57"));
	if (f)
		fclose(f);
	return wide ? 0xfffffffffff000UL : WINDOW_END;
}

static inline void maps_line(const char *line)
{
	struct map *map = &maps.map[maps.nr];
	uint64_t kib;
	int name = 0;

	if (sscanf(line, "%lx-%lx %4s %*x %x:%x %lu%n", &map->start, &map->end, map->access,
		   &map->dev_major, &map->dev_minor, &map->inode, &name) >= 6 &&
	    name) {
		line += name;
		line += strspn(line, " ");
		snprintf(map->name, sizeof(map->name), "%.*s", (int)strcspn(line, "\n"), line);
		map->resident_bytes = map->shared_bytes = 0;
		map->private_bytes = map->proportional_bytes = 0;
		if (map->start < VSYSCALL && maps.nr < NR_MAPS_MAX - 1)
			maps.nr++;
		return;
	}
	if (!maps.nr)
		return;
	map--;
	if (sscanf(line, "Rss: %lu", &kib) == 1)
		map->resident_bytes = kib * 1024;
	else if (sscanf(line, "Pss: %lu", &kib) == 1)
		map->proportional_bytes = kib * 1024;
	else if (sscanf(line, "Shared_Clean: %lu", &kib) == 1 ||
		 sscanf(line, "Shared_Dirty: %lu", &kib) == 1)
		map->shared_bytes += kib * 1024;
	else if (sscanf(line, "Private_Clean: %lu", &kib) == 1 ||
		 sscanf(line, "Private_Dirty: %lu", &kib) == 1)
		map->private_bytes += kib * 1024;
}

static inline void maps_hole(uint64_t start, uint64_t end, const char *below, const char *above)
{
	if (start < end)
		maps.hole[maps.nr_holes++] = (struct hole){ start, end, below, above };
}

/* Of the text that was taken first. */
static inline void maps_parse(void)
{
	const char *line = maps_text[0], *below = "[none]";
	uint64_t end = 0;

	maps.nr = maps.nr_holes = 0;
	for (; *line; line += strcspn(line, "\n") + 1)
		maps_line(line);
	maps.space_bytes = maps_space();
	for (unsigned int i = 0; i < maps.nr; i++) {
		maps_hole(end, maps.map[i].start, below, maps.map[i].name);
		end = maps.map[i].end;
		below = maps.map[i].name;
	}
	maps_hole(end, maps.space_bytes, below, "[none]");
}

#endif
