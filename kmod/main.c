// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include "arming.h"
#include "genl.h"
#include "lifecycle.h"
#include "probes.h"
#include "proc.h"
#include "registry.h"
#include "tracked.h"

static int __init upager_init(void)
{
	int err;

	registry_init();
	err = lifecycle_init();
	if (err)
		return err;
	probes_init();
	err = proc_init();
	if (err)
		goto fini_probes;
	err = genl_init();
	if (err)
		goto fini_proc;
	err = tracked_init();
	if (err)
		goto fini_genl;
	arming_start();
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
 * - arming_stop() takes the probes and tracepoints off and waits for those in flight that could add
 *   an entry or send an event, and from then on nothing can be tracked;
 * - registry_empty() takes out every entry, so that nobody queues work of directories any more;
 * - tracked_fini() waits for that work: removing a directory waits for the calls in flight on its
 *   files, and releases the open ones and the references that they hold;
 * - genl_fini() waits for the commands in flight; an unfinished dump holds the module itself;
 * - proc_fini() does for the other files what was done for the directories;
 * - probes_fini() waits for the handlers in flight, which hold no references;
 * - entries are freed by kfree_rcu(), which runs nothing of ours.
 */
static void __exit upager_exit(void)
{
	arming_stop();
	registry_empty();
	tracked_fini();
	genl_fini();
	proc_fini();
	probes_fini();
}

module_init(upager_init);
module_exit(upager_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Holes, shared libraries and copy-on-write of processes");
