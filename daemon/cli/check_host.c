// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/size.h"
#include "base/types.h"
#include "cli/check.h"
#include "cli/client.h"

static void probe_latency(const struct check *check, struct finding *finding)
{
	int fd = open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);

	(void)check;
	if (fd < 0)
		check_failed(finding, -errno);
	else
		close(fd);
}

static void probe_daemon(const struct check *check, struct finding *finding)
{
	char total[SIZE_TEXT_BYTES], free_text[SIZE_TEXT_BYTES];
	struct upager_record daemon;
	struct upager *u;
	int err;

	(void)check;
	err = upager_open(NULL, &u);
	if (err) {
		finding->result = CHECK_WARNING;
		client_open_cause(err, finding->detail, sizeof(finding->detail));
		return;
	}
	if (upager_ping(u, &daemon)) {
		check_found(finding, CHECK_WARNING, "%s", upager_last_reply(u)->text);
	} else {
		size_format(daemon.slots_total * PAGE_SIZE, total, sizeof(total));
		size_format(daemon.slots_free * PAGE_SIZE, free_text, sizeof(free_text));
		check_found(finding, CHECK_OK, "process %d, swap areas: %s, %s free", daemon.pid,
			    total, free_text);
	}
	upager_close(u);
}

const struct check checks_host[] = {
	{ "/dev/cpu_dma_latency", CHECK_NEED_FULL, "idle processors wake up late for a fault",
	  probe_latency, 0 },
	{ "upagerd", CHECK_NEED_NONE, NULL, probe_daemon, 0 },
	{ 0 },
};
