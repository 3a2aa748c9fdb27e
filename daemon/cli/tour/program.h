/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_PROGRAM_H
#define UPAGER_TOUR_PROGRAM_H

#include <sys/types.h>

#include "cli/tour/scratch.h"

/* cat(1), which waits for its input: a small program with the system's libraries. */
struct program {
	pid_t pid;
	int input;
	int output;
};

/* Returns when it runs, all that it needs loaded.  0 or -errno. */
int program_start(struct program *prog);
/* The same with files of its own: copies in folder of what the other one maps to execute. */
int program_start_private(struct program *prog, pid_t like, const char *folder);
/* Of one that was not started (pid 0), too. */
void program_end(struct program *prog);

#endif
