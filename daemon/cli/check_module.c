// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "cli/check.h"
#include "kernel/module.h"
#include "uapi/upager.h"

static void probe_module(const struct check *check, struct finding *finding)
{
	struct module module;
	int err = module_open(&module);

	(void)check;
	if (!err) {
		check_found(finding, CHECK_OK, "version %u, %u of at most %u processes tracked",
			    module.version, module.nr_tracked, module.tracked_max);
		module_close(&module);
	} else if (err == -ENOENT) {
		check_found(finding, CHECK_MISSING, "not loaded");
	} else if (err == -EXDEV) {
		check_found(finding, CHECK_WARNING,
			    "loaded, but out of reach of upagerd in this pid namespace");
	} else {
		check_found(finding, CHECK_WARNING, "loaded, but does not answer: %s",
			    strerror(-err));
	}
}

/* Nothing to say of them where there is no module at all. */
static void probe_feature(const struct check *check, struct finding *finding)
{
	struct module module;

	if (module_open(&module)) {
		finding->moot = true;
		return;
	}
	if (!module_has(&module, check->arg))
		check_found(finding, CHECK_MISSING, "no probe point in this kernel");
	module_close(&module);
}

const struct check checks_module[] = {
	{ "kernel module", CHECK_NEED_NONE,
	  "upager stat counts no copies; pages that a device still writes go unseen where MOVE is "
	  "missing",
	  probe_module, 0 },
	{ "module copies", CHECK_NEED_NONE, "upager stat counts no copies by copy-on-write",
	  probe_feature, UPAGER_FEATURE_COPIES },
	{ "module reuses", CHECK_NEED_NONE, "upager stat counts no writes that copied nothing",
	  probe_feature, UPAGER_FEATURE_REUSES },
	{ "module zero writes", CHECK_NEED_NONE, "upager stat counts no writes to the zero page",
	  probe_feature, UPAGER_FEATURE_ZERO_WRITES },
	{ "module file writes", CHECK_NEED_NONE,
	  "upager stat counts no first writes to private pages of files", probe_feature,
	  UPAGER_FEATURE_FILE_WRITES },
	{ "module huge breaks", CHECK_NEED_NONE,
	  "upager stat counts no copy-on-write of huge pages", probe_feature,
	  UPAGER_FEATURE_HUGE_BREAKS },
	{ "module events", CHECK_NEED_NONE,
	  "children are not tracked, and upagerd finds one that touches nothing later",
	  probe_feature, UPAGER_FEATURE_EVENTS },
	{ "module pinned", CHECK_NEED_NONE,
	  "pages that a device still writes go unseen where MOVE is missing", probe_feature,
	  UPAGER_FEATURE_PINNED },
	{ 0 },
};
