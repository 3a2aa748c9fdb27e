/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PROGRESS_H
#define UPAGER_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A line on a terminal about something that takes long: how far it has come, how fast
 * it is, how long it still takes.  Nothing where stderr is no terminal, and nothing
 * of what is over within half a second.
 */
struct progress {
	const char *what;
	bool on;
	bool shown;
	uint64_t begin_ns;
	uint64_t seen_ns; /* when rate was told last */
	uint64_t seen_bytes;
	double rate; /* bytes a second, of the last seconds more than of those before; 0: not known */
};

void progress_begin(struct progress *p, const char *what);
/* So often as it is called, but not too often. */
void progress_show(struct progress *p, uint64_t done_bytes, uint64_t total_bytes);
/* What somebody else has to say of it. */
void progress_text(struct progress *p, const char *text);
/* The line goes. */
void progress_end(struct progress *p);

/* "what: 1.0G of 4.0G, 25%, 512.0M/s, 0:06 left" */
void progress_format(const struct progress *p, uint64_t done_bytes, uint64_t total_bytes,
		     char *text, size_t size);

/* From now on SIGINT, SIGTERM and SIGHUP only say so; the second one ends the command. */
void progress_catch(void);
bool progress_interrupted(void);

#endif
