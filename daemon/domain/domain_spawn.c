// SPDX-License-Identifier: GPL-2.0-only
#include "domain/domain_spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/untrusted_fd.h"
#include "recover/others.h"

#define WORD_BYTES 512
#define WORDS_MAX  (OPTIONS_SAID_MAX + AREAS_MAX + 8)

struct command {
	char *argv[WORDS_MAX + 1];
	uint32_t nr;
	char word[WORDS_MAX][WORD_BYTES];
};

__attribute__((format(printf, 2, 3))) static void add(struct command *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->word[c->nr], WORD_BYTES, fmt, ap);
	va_end(ap);
	c->argv[c->nr] = c->word[c->nr];
	c->nr++;
}

static void fill_in(struct command *c, const struct options *opt, const struct pager *pg,
		    const struct apart *apart)
{
	char text[WORD_BYTES - 16];

	add(c, "upagerd");
	/* What its files say has been said. */
	add(c, "--config=/dev/null");
	for (uint32_t i = 0; i < opt->nr_said; i++)
		add(c, "--%s=%s", opt->said[i].option, opt->said[i].value);
	for (uint32_t i = 0; i < pg->nr_areas; i++)
		if (!area_is_hole(&pg->area[i]))
			add(c, "--swap=%s,pri=%d", pg->area[i].path, pg->area[i].priority);
	add(c, "--state=%s/" OTHERS_DIR "/%u", opt->state, apart->uid);
	add(c, "--socket=%s/" OTHERS_DIR "/%u/socket", opt->state, apart->uid);
	add(c, "--hold-latency=no");
	apart_format(apart, text, sizeof(text));
	add(c, "--domain=%s", text);
}

/* The same numbers there: what is not named is closed. */
static int pass(posix_spawn_file_actions_t *actions, const struct apart *apart)
{
	int err = 0;

	if (apart->listen_fd >= 0)
		err = posix_spawn_file_actions_adddup2(actions, apart->listen_fd, apart->listen_fd);
	for (uint32_t i = 0; i < apart->nr_areas && !err; i++)
		err = posix_spawn_file_actions_adddup2(actions, apart->area_fd[i],
						       apart->area_fd[i]);
	return err;
}

int domain_spawn(const struct options *opt, const struct pager *pg, const struct apart *apart,
		 pid_t *pid)
{
	struct command *c = calloc(1, sizeof(*c));
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all;
	int err;

	if (!c)
		return -ENOMEM;
	fill_in(c, opt, pg, apart);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_init(&actions);
	err = pass(&actions, apart);
	untrusted_fds_await();
	/* What a service manager says is for the first one: by its process, not by the environment. */
	if (!err)
		err = posix_spawn(pid, "/proc/self/exe", &actions, &attr, c->argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	free(c);
	return -err;
}
