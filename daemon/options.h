/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_OPTIONS_H
#define UPAGER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "domain/apart.h"
#include "life/quotas.h"
#include "option_table.h"
#include "swap/area.h"
#include "swap/trouble.h"

#define OPTIONS_SAID_MAX 32

/* What upagerd was told, on the command line and in its configuration file. */
struct options {
	char swap[AREAS_MAX][AREA_SPEC_BYTES];
	uint32_t nr_swap;
	char socket[108];
	char state[256];
	uint64_t limit_bytes; /* resident memory of all paged processes; 0: none */
	struct trouble trouble;
	uint64_t stop_timeout_ns; /* in which SIGTERM gives everything back */
	struct quotas quotas;
	bool check_only; /* print them, and end */
	bool hold_latency;
	enum log_level log_level;
	bool per_user;
	uint32_t user_area_percent;
	struct apart apart;
	/* What was said of all this that holds for the pagers of users, too. */
	struct option_said {
		const char *option;
		char *value;
	} said[OPTIONS_SAID_MAX];
	uint32_t nr_said;
};

/*
 * The command line wins over the files.  Returns 0 to go on, or with *exit_code
 * set: 1 (help was printed) or -errno after one line on stderr.  May be called again.
 */
int options_parse(struct options *opt, int argc, char **argv, int *exit_code);
void options_fini(struct options *opt);

/* All of them but --swap, --config and what prints. */
extern const struct setting option_table[OPTION_TABLE_NR];

#endif
