// SPDX-License-Identifier: GPL-2.0-only
#include "base/failpoint.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ERRNO_MAX 4095
#define US_PER_S  1000000UL

_Static_assert(__FP_MAX <= 64, "failpoint_armed has a bit per failpoint");

static const char *const names[__FP_MAX] = {
	[FP_FAULT_READ] = "fault_read",
	[FP_FAULT_SUBMIT] = "fault_submit",
	[FP_FAULT_READ_DONE] = "fault_read_done",
	[FP_FAULT_FILLED] = "fault_filled",
	[FP_EVICT_PROTECTED] = "evict_protected",
	[FP_EVICT_RECORDED] = "evict_recorded",
	[FP_EVICT_POSTED] = "evict_posted",
	[FP_EVICT_SETTLED] = "evict_settled",
	[FP_EVICT_SUBMIT] = "evict_submit",
	[FP_EVICT_WRITTEN] = "evict_written",
	[FP_EVENT_ADVANCED] = "event_advanced",
	[FP_EVENT_APPLIED] = "event_applied",
	[FP_PAGE_SHIFTED] = "page_shifted",
	[FP_FORK_READ] = "fork_read",
	[FP_FORK_SHARED] = "fork_shared",
	[FP_FORK_APPLIED] = "fork_applied",
	[FP_CHILD_ASKED] = "child_asked",
	[FP_CHILD_RECORDED] = "child_recorded",
	[FP_ATTACH_ALLOWED] = "attach_allowed",
	[FP_ATTACH_INJECTED] = "attach_injected",
	[FP_ATTACH_SEEN] = "attach_seen",
	[FP_ATTACH_REGISTERED] = "attach_registered",
	[FP_DETACH_FILLED] = "detach_filled",
	[FP_DETACH_UNREGISTERED] = "detach_unregistered",
	[FP_POOL_GROW] = "pool_grow",
	[FP_POOL_GROWN] = "pool_grown",
	[FP_POOL_IDLE] = "pool_idle",
	[FP_POOL_SHED] = "pool_shed",
	[FP_TABLES_GROW] = "tables_grow",
	[FP_RECORD_WRITTEN] = "record_written",
	[FP_RESTORE_COUNTED] = "restore_counted",
	[FP_RESTORE_SETTLED] = "restore_settled",
	[FP_KEEPER_NAMED] = "keeper_named",
	[FP_AREA_ADD] = "area_add",
	[FP_DRAIN_WRITE] = "drain_write",
	[FP_DRAIN_WRITTEN] = "drain_written",
	[FP_DRAIN_MOVED] = "drain_moved",
	[FP_STORE_READ] = "store_read",
	[FP_STORE_AHEAD] = "store_ahead",
	[FP_STORE_WRITE] = "store_write",
};

enum action {
	ACTION_KILL,
	ACTION_ERR,
	ACTION_DELAY
};

struct point {
	enum action action;
	unsigned long value; /* errno, or microseconds */
	unsigned long nth; /* the first pass that acts, from 1; 0 every pass */
	unsigned long last; /* that acts */
	unsigned long passes;
};

uint64_t failpoint_armed;
static struct point points[__FP_MAX];

/* A decimal number in [1, max] that ends at @end. */
static bool parse_number(const char *text, const char *end, unsigned long max, unsigned long *value)
{
	*value = 0;
	if (text == end)
		return false;
	for (; text < end; text++) {
		unsigned int digit = (unsigned int)(*text - '0');

		if (digit > 9 || *value > (max - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	return *value > 0;
}

/* "N", or "N-M". */
static bool parse_passes(const char *text, const char *end, struct point *p)
{
	const char *to = memchr(text, '-', (size_t)(end - text));

	if (!parse_number(text, to ? to : end, ULONG_MAX, &p->nth))
		return false;
	p->last = p->nth;
	return !to || (parse_number(to + 1, end, ULONG_MAX, &p->last) && p->last >= p->nth);
}

static bool parse_action(const char *text, const char *end, struct point *p)
{
	const char *at = memchr(text, '@', (size_t)(end - text));

	if (at && !parse_passes(at + 1, end, p))
		return false;
	if (at)
		end = at;
	if (end - text == 4 && !strncmp(text, "kill", 4)) {
		p->action = ACTION_KILL;
		return true;
	}
	if (!strncmp(text, "err:", 4)) {
		p->action = ACTION_ERR;
		return parse_number(text + 4, end, ERRNO_MAX, &p->value);
	}
	if (!strncmp(text, "delay:", 6)) {
		p->action = ACTION_DELAY;
		return parse_number(text + 6, end, ULONG_MAX, &p->value);
	}
	return false;
}

static int find_name(const char *text, size_t len)
{
	for (int fp = 0; fp < __FP_MAX; fp++)
		if (strlen(names[fp]) == len && !strncmp(names[fp], text, len))
			return fp;
	return -EINVAL;
}

int failpoint_init(const char *spec)
{
	struct point parsed[__FP_MAX] = { 0 };
	uint64_t armed = 0;

	failpoint_armed = 0;
	while (spec && *spec) {
		const char *end = spec + strcspn(spec, ",");
		const char *equals = memchr(spec, '=', (size_t)(end - spec));
		int fp;

		if (!equals)
			return -EINVAL;
		fp = find_name(spec, (size_t)(equals - spec));
		if (fp < 0 || armed & 1ULL << fp || !parse_action(equals + 1, end, &parsed[fp]))
			return -EINVAL;
		armed |= 1ULL << fp;
		if (*end == ',' && !end[1])
			return -EINVAL;
		spec = end + (*end == ',');
	}
	memcpy(points, parsed, sizeof(points));
	failpoint_armed = armed;
	return 0;
}

int failpoint_slow(enum failpoint fp)
{
	struct point *p = &points[fp];
	unsigned long pass = __atomic_add_fetch(&p->passes, 1, __ATOMIC_RELAXED);
	struct timespec ts;

	if (p->nth && (pass < p->nth || pass > p->last))
		return 0;
	switch (p->action) {
	case ACTION_KILL:
		kill(getpid(), SIGKILL);
		for (;;) /* the signal may be taken by another CPU a little later */
			pause();
	case ACTION_ERR:
		return -(int)p->value;
	case ACTION_DELAY:
		ts.tv_sec = (time_t)(p->value / US_PER_S);
		ts.tv_nsec = (long)(p->value % US_PER_S) * 1000;
		while (nanosleep(&ts, &ts) && errno == EINTR)
			;
		return 0;
	}
	return 0;
}
