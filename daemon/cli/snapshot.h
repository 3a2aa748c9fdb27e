/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SNAPSHOT_H
#define UPAGER_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/upager.h"

/* What the daemon tells of one process, or of all that the caller may see and of itself. */
struct snapshot {
	struct upager_record *record;
	struct upager_stall *stall; /* of the same processes; all 0 without has_stall */
	uint32_t nr;
	bool has_stall; /* the daemon knows of it */
	bool has_daemon; /* it is of all */
	struct upager_record daemon;
	struct upager_stall all; /* programs together */
	char note[UPAGER_TEXT_BYTES]; /* who could not be asked; empty: nobody */
};

/* pid 0: of all. What upager_status() and the like return. */
int snapshot_take(struct upager *u, pid_t pid, struct snapshot *snap);
void snapshot_fini(struct snapshot *snap);

#endif
