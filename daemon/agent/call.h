/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CALL_H
#define UPAGER_CALL_H

#include <stdint.h>

#include "agent/remote.h"

/*
 * System calls in a stopped thread, which is stopped again behind the
 * instruction afterwards.  Needs PTRACE_O_TRACESYSGOOD.
 */
struct call_args {
	uint64_t arg[6];
};

#define CALL_ARGS(...) ((struct call_args){ { __VA_ARGS__ } })

/* @ret is the call's result, -errno included. */
int call_make(struct remote *r, int64_t *ret, long nr, struct call_args args);
/* The same; a call that fails is an error, which @cause then names. */
int call_must(struct remote *r, int64_t *ret, const char *name, long nr, struct call_args args,
	      char *cause);
#define CALL_MUST(r, ret, cause, name, ...) \
	call_must(r, ret, #name, SYS_##name, CALL_ARGS(__VA_ARGS__), cause)

/* Makes it call exit(0), and takes its status. */
int call_exit(struct remote *r);

#endif
