// SPDX-License-Identifier: GPL-2.0-only
#include "agent/place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent_abi.h"
#include "agent/entry.h"
#include "base/types.h"

#define STACK_BYTES   (4 * PAGE_SIZE)
#define HINT_ALIGN    (1ULL << 21)
#define HINT_HOLE_MIN (1ULL << 30)

void place_layout(struct inject_place *pl, uint64_t base)
{
	uint64_t code_bytes = (uint64_t)(__stop_upager_agent - __start_upager_agent);

	pl->ctl_addr = base;
	pl->ctl_bytes = AGENT_CTL_BYTES;
	pl->code_addr = pl->ctl_addr + pl->ctl_bytes;
	pl->code_bytes = (code_bytes + PAGE_SIZE - 1) & PAGE_MASK;
	pl->stack_addr = pl->code_addr + pl->code_bytes + PAGE_SIZE;
	pl->stack_bytes = STACK_BYTES;
	pl->staging_addr = pl->stack_addr + pl->stack_bytes + PAGE_SIZE;
	pl->staging_bytes = AGENT_STAGING_PAGES * PAGE_SIZE;
}

uint64_t place_bytes(const struct inject_place *pl)
{
	return pl->staging_addr + pl->staging_bytes - pl->ctl_addr;
}

bool place_recover(struct inject_place *pl, uint64_t staging_addr)
{
	place_layout(pl, 0);
	if (staging_addr < pl->staging_addr || staging_addr & ~PAGE_MASK)
		return false;
	place_layout(pl, staging_addr - pl->staging_addr);
	return true;
}

/* Parts that look the same in every state of an attach from the first mapping on. */
enum part {
	PART_CODE = 1 << 0, /* inaccessible before it is mapped */
	PART_BELOW_STACK = 1 << 1,
	PART_BELOW_STAGING = 1 << 2,
	PARTS_ALL = (1 << 3) - 1,
};

static unsigned int parts_in(const char *line, const struct inject_place *pl)
{
	const struct {
		uint64_t addr;
		enum part part;
	} probe[] = {
		{ pl->code_addr, PART_CODE },
		{ pl->stack_addr - PAGE_SIZE, PART_BELOW_STACK },
		{ pl->staging_addr - PAGE_SIZE, PART_BELOW_STAGING },
	};
	bool is_code = strstr(line, "/memfd:" PLACE_CODE_NAME " ");
	unsigned int found = 0;
	uint64_t start, end;
	unsigned long inode;
	char perms[8];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*x %*s %lu", &start, &end, perms, &inode) !=
	    4)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(probe); i++) {
		if (probe[i].addr < start || probe[i].addr >= end)
			continue;
		if ((!strcmp(perms, "---p") && !inode) || (is_code && probe[i].part == PART_CODE))
			found |= probe[i].part;
	}
	return found;
}

int place_mapped(pid_t tid, const struct inject_place *pl, bool *mapped)
{
	unsigned int found = 0;
	char path[32];
	char line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	f = fopen(path, "re");
	if (!f)
		return -ESRCH;
	while (fgets(line, sizeof(line), f))
		found |= parts_in(line, pl);
	fclose(f);
	*mapped = found == PARTS_ALL;
	return 0;
}

uint64_t place_hint(pid_t pid)
{
	uint64_t start, end, last = 0, size = 0, hint = 0;
	char path[32];
	char line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2)
			continue;
		/* Between two mappings, and below what needs five levels or is the kernel's. */
		if (last && start > last && start - last > size && start < 1ULL << 47) {
			size = start - last;
			hint = (last + size / 2) & ~(HINT_ALIGN - 1);
		}
		last = end;
	}
	fclose(f);
	return size > HINT_HOLE_MIN ? hint : 0;
}
