// SPDX-License-Identifier: GPL-2.0-only
#include "life/pool_memory.h"

#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"

static int make_part(const struct standby *sb, uint32_t wanted, struct standby_part **part)
{
	int err = failpoint(FP_POOL_GROW);

	if (!err)
		err = standby_part_new(sb->fd, sb->nr_places, wanted - sb->nr_places, part);
	if (err)
		return err;
	err = standby_part_populate(*part);
	if (err)
		standby_part_free(*part);
	return err;
}

static void say(struct space *sp, int err)
{
	if (err && !sp->growth.error_said)
		log_warn("no memory for more standby of process %d than %lluK (%s): it is paged "
			 "with what there is, which is slower",
			 sp->process.pid,
			 (unsigned long long)sp->standby.nr_places * PAGE_SIZE >> 10,
			 strerror(-err));
	sp->growth.error_said = err;
}

void pool_memory_look_after(struct pager *pg, struct space *sp)
{
	struct standby_growth *g = &sp->growth;
	struct standby_part *part = g->shed;
	uint32_t wanted = g->wanted;
	int err;

	if (part) {
		standby_part_free(part);
		g->shed = NULL;
		pager_kick_worker(pg);
	}
	if (!wanted)
		return;
	err = make_part(&sp->standby, wanted, &part);
	say(sp, err);
	g->error = err;
	if (!err)
		g->offered = part;
	g->wanted = 0;
	pager_kick_worker(pg);
}
