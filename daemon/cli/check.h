/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CHECK_H
#define UPAGER_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One thing that `upager doctor` looks at.  Whether it is there is found by
 * trying, never by the version of the kernel.
 */
enum check_result {
	CHECK_OK,
	CHECK_WARNING, /* there, but; or this user may not try */
	CHECK_MISSING,
};

enum check_need {
	CHECK_NEED_NONE, /* good to have */
	CHECK_NEED_FULL, /* without it something is slower or less complete */
	CHECK_NEED_ALWAYS, /* without it the pager cannot run */
};

struct finding {
	enum check_result result;
	enum check_need need;
	bool untried; /* root would know */
	bool moot; /* not worth a line: of something that is not there */
	char detail[200]; /* may be empty */
};

struct check {
	const char *name;
	enum check_need need; /* the probe may change the finding's */
	const char *cost; /* what it costs when missing; may be NULL */
	void (*probe)(const struct check *check, struct finding *finding);
	uint64_t arg;
};

/* Each list ends with an entry without name.  Within a list the order matters. */
extern const struct check checks_uffd[];
extern const struct check checks_uring[];
extern const struct check checks_process[];
extern const struct check checks_memory[];
extern const struct check checks_module[];
extern const struct check checks_host[];

/* Runs the probe; the finding is OK unless it says otherwise. */
void check_run(const struct check *check, struct finding *finding);

__attribute__((format(printf, 3, 4))) void
check_found(struct finding *finding, enum check_result result, const char *fmt, ...);

/* Missing, unless an ordinary user was only not permitted to try. err: -errno, not 0. */
void check_failed(struct finding *finding, int err);

#endif
