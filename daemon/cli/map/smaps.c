// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/smaps.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define KIB(key, member)                                 \
	{                                                \
		key, offsetof(struct map_region, member) \
	}

/* Lines in KiB that are added to a member. */
static const struct {
	const char *key;
	size_t offset;
} sums[] = {
	KIB("Rss:", rss_bytes),
	KIB("Pss:", pss_bytes),
	KIB("Shared_Clean:", shared_bytes),
	KIB("Shared_Dirty:", shared_bytes),
	KIB("Swap:", swap_bytes),
	KIB("AnonHugePages:", huge_bytes),
	KIB("ShmemPmdMapped:", huge_bytes),
	KIB("FilePmdMapped:", huge_bytes),
};

/* Newlines in names are octal escapes there. */
static void unescape(char *name)
{
	char *to = name;

	for (; *name; name++) {
		if (!strncmp(name, "\\012", 4)) {
			*to++ = '\n';
			name += 3;
		} else {
			*to++ = *name;
		}
	}
	*to = '\0';
}

static bool parse_header(char *line, struct map_region *r)
{
	int at = 0;
	char *name;

	*r = (struct map_region){ .object = MAP_NO_OBJECT };
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 "%n", &r->start,
		   &r->end, r->perms, &r->offset, &r->dev_major, &r->dev_minor, &r->inode,
		   &at) != 7)
		return false;
	name = line + at;
	name += strspn(name, " ");
	name[strcspn(name, "\n")] = '\0';
	unescape(name);
	r->name = strdup(name);
	return r->name && r->start < r->end && !(r->start & ~PAGE_MASK) && !(r->end & ~PAGE_MASK);
}

static void parse_flags(const char *flags, struct map_region *r)
{
	r->uffd = strstr(flags, " um") != NULL;
	r->locked = strstr(flags, " lo") != NULL;
	r->device = strstr(flags, " pf") || strstr(flags, " io");
}

static void parse_line(const char *line, struct map_region *r)
{
	if (!strncmp(line, "VmFlags:", 8))
		parse_flags(line + 8, r);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
		size_t len = strlen(sums[i].key);
		uint64_t kib, *sum = (uint64_t *)((char *)r + sums[i].offset);

		if (!strncmp(line, sums[i].key, len) && sscanf(line + len, "%" SCNu64, &kib) == 1)
			*sum += kib * 1024;
	}
}

/* What the kernel shows in two pieces while mappings change may overlap: the first is kept. */
static bool follows(const struct map *m, const struct map_region *r)
{
	return (!m->nr_regions || r->start >= m->region[m->nr_regions - 1].end) &&
	       strcmp(r->name, "[vsyscall]") != 0;
}

static int append(struct map *m, struct map_region *r, uint32_t *room)
{
	if (m->nr_regions == *room) {
		uint32_t more = *room ? 2 * *room : 64;
		struct map_region *larger = reallocarray(m->region, more, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		m->region = larger;
		*room = more;
	}
	r->pages[MAP_UNTOUCHED] = map_region_pages(r);
	m->region[m->nr_regions++] = *r;
	return 0;
}

int map_smaps_read(FILE *smaps, struct map *m)
{
	struct map_region r, *last = NULL;
	size_t line_room = 0;
	uint32_t room = 0;
	char *line = NULL;
	int err = 0;

	errno = 0;
	while (!err && getline(&line, &line_room, smaps) > 0) {
		/* Headers begin with an address, whose digits are in lower case. */
		if (line[0] >= 'A' && line[0] <= 'Z') {
			if (last)
				parse_line(line, last);
			continue;
		}
		last = NULL;
		if (!parse_header(line, &r) || !follows(m, &r)) {
			free(r.name);
			continue;
		}
		err = append(m, &r, &room);
		if (err)
			free(r.name);
		else
			last = &m->region[m->nr_regions - 1];
	}
	if (!err && ferror(smaps))
		err = errno ? -errno : -EIO;
	free(line);
	return err;
}
