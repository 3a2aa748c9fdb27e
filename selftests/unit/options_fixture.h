/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_OPTIONS_FIXTURE_H
#define UPAGER_OPTIONS_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/types.h"
#include "option_change.h"
#include "options.h"

#define ARGS_MAX 40

/* What a child found out; shared with it. */
struct outcome {
	struct options opt;
	int ret;
	int exit_code;
	char out[8192];
	char err[4096];
};

struct fixture {
	char dir[128];
	char config[160];
	struct outcome *o;
};

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	snprintf(f->dir, sizeof(f->dir), "%s/test_options.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->config, sizeof(f->config), "%s/upagerd.conf", f->dir);
	f->o = mmap(NULL, sizeof(*f->o), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*state = f;
	return f->o == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	munmap(f->o, sizeof(*f->o));
	unlink(f->config);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void take_text(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	close(fd);
}

/* Parses "upagerd" and the arguments up to NULL in a child, for its stdout and stderr. */
static struct outcome *parse(struct fixture *f, ...)
{
	int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
	char *argv[ARGS_MAX] = { (char *)"upagerd" };
	int argc = 1, status;
	va_list ap;
	pid_t pid;

	va_start(ap, f);
	while (argc < ARGS_MAX - 1 && (argv[argc] = va_arg(ap, char *)))
		argc++;
	va_end(ap);
	memset(f->o, 0xaa, sizeof(*f->o));
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		log_init("upagerd", LOG_LEVEL_INFO);
		f->o->ret = options_parse(&f->o->opt, argc, argv, &f->o->exit_code);
		if (!f->o->ret && f->o->opt.check_only)
			options_print(&f->o->opt);
		fflush(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	take_text(out, f->o->out, sizeof(f->o->out));
	take_text(err, f->o->err, sizeof(f->o->err));
	return f->o;
}

static void expect_good(const struct outcome *o)
{
	if (o->ret)
		fail_msg("refused: %s", o->err);
	assert_string_equal(o->out, "");
	assert_string_equal(o->err, "");
}

/* Usage: exit status 2 and one line, which holds the text. */
static void expect_refused(const struct outcome *o, const char *text)
{
	const char *end = strchr(o->err, '\n');

	assert_true(o->ret < 0);
	assert_int_equal(o->exit_code, 2);
	assert_string_equal(o->out, "");
	assert_memory_equal(o->err, "upagerd: ", 9);
	if (!end || end[1] || !strstr(o->err, text))
		fail_msg("'%s' is not one line about '%s'", o->err, text);
}

static void write_config(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->config, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

#endif
