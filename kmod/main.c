// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include "dir.h"
#include "events.h"
#include "genl.h"
#include "probes.h"
#include "proc.h"
#include "registry.h"
#include "track.h"
#include "tracking.h"

static void tell(struct tracked *tracked, enum event_kind kind)
{
	tracking_tell(tracked, kind);
	dir_changed(tracked, kind);
	genl_announce(tracked, kind);
	if (kind == EVENT_GONE)
		track_wake();
}

static int __init upager_init(void)
{
	struct proc_dir_entry *root;
	int err;

	registry_init();
	err = tracking_init();
	if (err)
		return err;
	probes_init();
	err = -ENOMEM;
	root = proc_init();
	if (!root)
		goto fini_probes;
	err = genl_init();
	if (err)
		goto fini_proc;
	err = dir_init(root);
	if (err)
		goto fini_genl;
	events_init(tell);
	tracking_start();
	return 0;

fini_genl:
	genl_fini();
fini_proc:
	proc_fini();
fini_probes:
	probes_fini();
	return err;
}

/*
 * Why nothing refers to the module when it is gone:
 * - track_fini() sends readers of `track` away and closes it, which ends what was tracked by
 *   it;
 * - tracking_stop() takes the probes and tracepoints off, waits for those in flight that could add
 *   an entry, takes out every entry, and waits until that was told: from then on nothing can be
 *   tracked, and nobody queues work of directories;
 * - dir_fini() waits for that work: removing a directory waits for the calls in flight on its
 *   files, and releases the open ones and the references that they hold;
 * - genl_fini() waits for the commands in flight;
 * - proc_fini() does for the other files what was done for the directories;
 * - probes_fini() waits for the handlers in flight, which hold no references;
 * - entries are freed by kfree_rcu(), which runs nothing of ours.
 */
static void __exit upager_exit(void)
{
	track_fini();
	tracking_stop();
	dir_fini();
	genl_fini();
	proc_fini();
	probes_fini();
}

module_init(upager_init);
module_exit(upager_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Holes, shared libraries and copy-on-write of processes");
