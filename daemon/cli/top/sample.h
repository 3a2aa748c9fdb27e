/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOP_SAMPLE_H
#define UPAGER_TOP_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/snapshot.h"

/* A process, and what became of it since the look before. */
struct top_row {
	struct upager_record record;
	struct upager_stall stall;
	bool is_new; /* there is nothing to compare it with */
	double faults_s;
	double swap_ins_s;
	double evictions_s;
	double stall_percent; /* of that time */
	__u64 recent[UPAGER_HIST_BUCKETS]; /* service times of its faults since then */
};

struct top_sample {
	struct upager *client; /* NULL: no daemon answers */
	struct snapshot now;
	struct snapshot before;
	uint64_t now_ns; /* 0: there has been none */
	uint64_t before_ns;
	struct top_row *row;
	uint32_t nr;
	double faults_s; /* of all */
	char trouble[UPAGER_TEXT_BYTES]; /* why it is not of now; empty: it is */
};

/*
 * Asks the daemon.  Where that fails what was seen last stays, trouble says why, and the
 * next look connects again.  0 or -errno.
 */
int top_sample_take(struct top_sample *s);
void top_sample_fini(struct top_sample *s);

#endif
