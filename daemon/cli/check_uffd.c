// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <unistd.h>

#include "cli/check.h"
#include "kernel/uffd.h"

static struct uffd_caps caps;
static int caps_error;

static void probe_syscall(const struct check *check, struct finding *finding)
{
	(void)check;
	caps_error = uffd_probe(&caps);
	if (caps_error)
		check_failed(finding, caps_error);
}

static void probe_device(const struct check *check, struct finding *finding)
{
	(void)check;
	if (caps.dev_userfaultfd)
		return;
	check_failed(finding, access("/dev/userfaultfd", F_OK) ? -errno : -EACCES);
}

static void probe_feature(const struct check *check, struct finding *finding)
{
	if (caps_error)
		check_failed(finding, caps_error);
	else if (!(caps.features & check->arg))
		check_failed(finding, -ENOSYS);
}

static void probe_remap(const struct check *check, struct finding *finding)
{
	(void)check;
	if (caps_error)
		check_failed(finding, caps_error);
	else if (!caps.remap_exact)
		check_failed(finding, -ENOSYS);
}

/* Write protection is how pages are taken out where MOVE is missing, and only there. */
static void probe_wp(const struct check *check, struct finding *finding)
{
	probe_feature(check, finding);
	if (!caps_error && !caps.move)
		finding->need = CHECK_NEED_ALWAYS;
}

const struct check checks_uffd[] = {
	{ "userfaultfd", CHECK_NEED_ALWAYS, "the pager cannot run", probe_syscall, 0 },
	{ "/dev/userfaultfd", CHECK_NEED_FULL, "ordinary users cannot page their own programs",
	  probe_device, 0 },
	{ "uffd EVENT_FORK", CHECK_NEED_ALWAYS, "children would read zeros", probe_feature,
	  UFFD_FEATURE_EVENT_FORK },
	{ "uffd EVENT_REMAP", CHECK_NEED_ALWAYS, "moved memory would read zeros", probe_feature,
	  UFFD_FEATURE_EVENT_REMAP },
	{ "uffd REMAP length", CHECK_NEED_FULL,
	  "what one thread moves while another splits it may read zeros", probe_remap, 0 },
	{ "uffd EVENT_REMOVE", CHECK_NEED_ALWAYS, "dropped memory would come back", probe_feature,
	  UFFD_FEATURE_EVENT_REMOVE },
	{ "uffd EVENT_UNMAP", CHECK_NEED_ALWAYS, "unmapped memory would come back", probe_feature,
	  UFFD_FEATURE_EVENT_UNMAP },
	{ "uffd THREAD_ID", CHECK_NEED_FULL, "readahead cannot tell threads apart", probe_feature,
	  UFFD_FEATURE_THREAD_ID },
	{ "uffd MOVE", CHECK_NEED_FULL, "a program is stopped for each batch of evictions",
	  probe_feature, UFFD_FEATURE_MOVE },
	{ "uffd WP", CHECK_NEED_NONE, "needed to evict where MOVE is missing", probe_wp,
	  UFFD_FEATURE_PAGEFAULT_FLAG_WP },
	{ "uffd POISON", CHECK_NEED_FULL,
	  "a page that the device lost cannot answer with SIGBUS on its own", probe_feature,
	  UFFD_FEATURE_POISON },
	{ 0 },
};
