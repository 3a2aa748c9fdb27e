/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_AREA_FIXTURE_H
#define UPAGER_AREA_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "swap/area.h"

#define MIB (1024 * 1024ULL)

/* A directory with room for one file, and what the last call said. */
struct fixture {
	char dir[128];
	char path[160];
	char cause[AREA_CAUSE_BYTES];
	struct superblock sb;
	struct area area;
};

static inline int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_true(snprintf(f->dir, sizeof(f->dir), "%s/test_area.XXXXXX", tmp ? tmp : "/tmp") <
		    (int)sizeof(f->dir));
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/area", f->dir);
	f->area.fd = -1;
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	area_close(&f->area);
	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static inline int make(struct fixture *f, uint64_t size_bytes, int force)
{
	const struct area_make_options opt = { .size_bytes = size_bytes, .force = force };

	return area_make(f->path, &opt, &f->sb, f->cause);
}

static inline int make_label(struct fixture *f, const char *label)
{
	const struct area_make_options opt = { .size_bytes = MIB, .label = label };

	return area_make(f->path, &opt, &f->sb, f->cause);
}

static inline int open_spec(struct fixture *f, const char *suffix)
{
	char spec[256];

	snprintf(spec, sizeof(spec), "%s%s", f->path, suffix);
	return area_open(&f->area, spec, f->cause);
}

static inline void write_file(struct fixture *f, const void *data, size_t len, off_t at)
{
	int fd = open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, at), len);
	close(fd);
}

static inline void read_file(struct fixture *f, void *data, size_t len, off_t at)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, data, len, at), len);
	close(fd);
}

static inline void assert_cause(struct fixture *f, const char *part)
{
	if (!strstr(f->cause, part))
		fail_msg("'%s' does not say '%s'", f->cause, part);
	assert_null(strchr(f->cause, '\n'));
}

static inline struct stat file_stat(struct fixture *f)
{
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	return st;
}

static inline void assert_no_file(struct fixture *f)
{
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(errno, ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
