// SPDX-License-Identifier: GPL-2.0-only
#include "agent/place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent_abi.h"
#include "types.h"

#define STACK_BYTES (4 * PAGE_SIZE)

void place_layout(struct inject_place *pl, uint64_t base, uint64_t code_bytes)
{
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

int place_mapped(pid_t tid, const struct inject_place *pl, bool *mapped)
{
	char path[32];
	char line[512];
	FILE *f;

	*mapped = false;
	snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	f = fopen(path, "re");
	if (!f)
		return -ESRCH;
	while (fgets(line, sizeof(line), f)) {
		uint64_t start;

		if (sscanf(line, "%" SCNx64, &start) == 1 && start == pl->code_addr &&
		    strstr(line, "/memfd:" PLACE_CODE_NAME " "))
			*mapped = true;
	}
	fclose(f);
	return 0;
}
