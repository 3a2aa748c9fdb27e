// SPDX-License-Identifier: GPL-2.0-only
#include "cli/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Another that has no record came since, one that has no stall has ended since. */
static void match(struct snapshot *snap, const struct upager_stall *stall, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		if (!stall[i].pid)
			snap->all = stall[i];
		for (uint32_t k = 0; k < snap->nr; k++)
			if (snap->record[k].pid == stall[i].pid)
				snap->stall[k] = stall[i];
	}
	snap->has_stall = true;
}

static int take_stall(struct upager *u, pid_t pid, struct snapshot *snap)
{
	struct upager_stall *stall;
	uint32_t nr;
	int err = upager_stall(u, pid, &stall, &nr);

	/* A daemon that is older, or the process has ended. */
	if (err == -EOPNOTSUPP || err == -ESRCH || err == -EAGAIN)
		return 0;
	if (!err)
		match(snap, stall, nr);
	free(stall);
	return err;
}

int snapshot_take(struct upager *u, pid_t pid, struct snapshot *snap)
{
	int err;

	memset(snap, 0, sizeof(*snap));
	err = upager_status(u, pid, &snap->record, &snap->nr);
	if (err)
		return err;
	memcpy(snap->note, upager_last_reply(u)->text, sizeof(snap->note));
	snap->stall = calloc(snap->nr + 1u, sizeof(*snap->stall));
	err = snap->stall ? take_stall(u, pid, snap) : -ENOMEM;
	snap->has_daemon = !err && !pid;
	if (snap->has_daemon)
		err = upager_ping(u, &snap->daemon);
	if (err)
		snapshot_fini(snap);
	return err;
}

void snapshot_fini(struct snapshot *snap)
{
	free(snap->record);
	free(snap->stall);
	memset(snap, 0, sizeof(*snap));
}
