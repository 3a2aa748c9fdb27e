// SPDX-License-Identifier: GPL-2.0-only
#include "reload.h"

#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/types.h"
#include "life/left.h"
#include "option_change.h"

static void apply(const struct options *options, struct housekeeping *h, struct sessions *sessions)
{
	struct trouble *trouble = &h->pg->trouble;

	log_change_level(options->log_level);
	left_limit_change(options->stop_timeout_ns);
	h->limit_pages = options->limit_bytes / PAGE_SIZE;
	h->quotas = options->quotas;
	sessions->quotas = options->quotas;
	trouble->retry_ns = options->trouble.retry_ns;
	trouble->timeout_ns = options->trouble.timeout_ns;
	trouble->when_full = options->trouble.when_full;
}

void reload(struct options *options, int argc, char **argv, struct housekeeping *h,
	    struct sessions *sessions)
{
	char changed[OPTIONS_CHANGES_BYTES], fixed[OPTIONS_CHANGES_BYTES];
	static struct options next; /* too large for a stack */
	int exit_code;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", clock_ns() / NS_PER_US);
	if (options_parse(&next, argc, argv, &exit_code)) {
		log_warn("SIGHUP: the configuration stays as it was");
		options_fini(&next);
	} else {
		options_changes(options, &next, changed, fixed);
		log_info("SIGHUP: the configuration was read again: %s",
			 changed[0] ? changed : "nothing is different");
		if (fixed[0])
			log_warn("a running daemon does not change %s: restart it, or use upager "
				 "swapon and swapoff",
				 fixed);
		options_keep_fixed(&next, options);
		options_fini(options);
		*options = next;
		next.nr_said = 0; /* they are the others' now */
		apply(options, h, sessions);
	}
	sd_notify(0, "READY=1");
}
