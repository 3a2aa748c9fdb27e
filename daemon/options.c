// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config.h"
#include "option_value.h"
#include "options_help.h"
#include "uapi/upager_proto.h"

#define STOP_TIMEOUT_S 60

static int add_swap(struct options *opt, const char *value)
{
	char cause[AREA_CAUSE_BYTES];
	struct area area;
	int err;

	if (opt->nr_swap == AREAS_MAX) {
		log_err("more than %d swap areas: leave some out", AREAS_MAX);
		return -E2BIG;
	}
	err = option_set_text(opt->swap[opt->nr_swap++], sizeof(opt->swap[0]), "a swap area",
			      value);
	if (err)
		return err;
	err = area_parse_spec(&area, value, cause);
	if (err)
		log_err("%s", cause);
	return err;
}

#define OPT_SWAP    1
#define OPT_CONFIG  2
#define OPT_HELP    3
#define OPT_VERSION 4
#define OPT_CHECK   5
#define OPT_SETTING 16 /* and above: its place in the table */

#define AT(member)   .at = offsetof(struct options, member)
#define TEXT(member) AT(member), .size = sizeof(((struct options *)NULL)->member)
#define COUNT(name, option, member, least, most)                                               \
	{                                                                                      \
		name, option, KIND_COUNT, option, AT(quotas.member), .min = least, .max = most \
	}

const struct setting option_table[OPTION_TABLE_NR] = {
	{ "socket", "socket", KIND_TEXT, "the socket's path", TEXT(socket), .fixed = true,
	  .first_only = true },
	{ "state", "state", KIND_TEXT, "the state directory", TEXT(state), .fixed = true,
	  .first_only = true },
	{ "limit", "limit", KIND_SIZE, "limit", AT(limit_bytes), .first_only = true },
	{ "when_full", "when-full", KIND_FULL, "when-full", AT(trouble.when_full) },
	{ "io_retry", "io-retry", KIND_SECONDS, "io-retry", AT(trouble.retry_ns) },
	{ "io_timeout", "io-timeout", KIND_SECONDS, "io-timeout", AT(trouble.timeout_ns),
	  .min = 1 },
	{ "stop_timeout", "stop-timeout", KIND_SECONDS, "stop-timeout", AT(stop_timeout_ns) },
	COUNT("connections", "connections", connections, 2, QUOTA_CONNECTIONS_MAX),
	COUNT("user_connections", "user-connections", user_connections, 1, QUOTA_CONNECTIONS_MAX),
	COUNT("root_connections", "root-connections", root_connections, 1, QUOTA_CONNECTIONS_MAX),
	COUNT("user_processes", "user-processes", user_processes, 0, QUOTA_PROCESSES_MAX),
	{ "hold_latency", "hold-latency", KIND_BOOL, "hold-latency", AT(hold_latency),
	  .first_only = true },
	{ "per_user", "per-user", KIND_BOOL, "per-user", AT(per_user), .fixed = true,
	  .first_only = true },
	{ "user_area", "user-area", KIND_COUNT, "user-area", AT(user_area_percent), .min = 1,
	  .max = 100, .fixed = true },
	/* What the first pager tells those that it starts. */
	{ "domain", "domain", KIND_DOMAIN, "domain", AT(apart), .fixed = true, .first_only = true },
	{ "log_level", "log-level", KIND_LEVEL, "log level", AT(log_level) },
};

static int set(struct options *opt, const struct setting *s, const char *value)
{
	void *to = (char *)opt + s->at;
	int err;

	switch (s->kind) {
	case KIND_TEXT:
		return option_set_text(to, s->size, s->what, value);
	case KIND_SIZE:
		return option_set_limit(to, value);
	case KIND_SECONDS:
		return option_set_seconds(to, s->what, s->min, value);
	case KIND_COUNT:
		return option_set_count(to, s->what, s->min, s->max, value);
	case KIND_BOOL:
		return option_set_bool(to, s->what, value);
	case KIND_FULL:
		return option_set_when_full(to, value);
	case KIND_LEVEL:
		return option_set_level(to, value);
	case KIND_DOMAIN:
		err = apart_parse(to, value);
		if (err)
			log_err("'%s' is no domain: upagerd starts its own", value);
		return err;
	}
	return -EINVAL;
}

static int set_and_note(struct options *opt, const struct setting *s, const char *value)
{
	int err = set(opt, s, value);
	uint32_t i = 0;

	if (err || s->first_only)
		return err;
	while (i < opt->nr_said && opt->said[i].option != s->option)
		i++;
	if (i == OPTIONS_SAID_MAX)
		return 0;
	opt->nr_said = max_t(uint32_t, opt->nr_said, i + 1);
	opt->said[i].option = s->option;
	free(opt->said[i].value);
	opt->said[i].value = strdup(value);
	return opt->said[i].value ? 0 : -ENOMEM;
}

static int set_option(struct options *opt, const char *name, const char *value)
{
	char known[256] = "swap";

	if (!strcmp(name, "swap"))
		return add_swap(opt, value);
	for (size_t i = 0; i < OPTION_TABLE_NR; i++) {
		size_t len = strlen(known);

		if (!strcmp(name, option_table[i].name))
			return set_and_note(opt, &option_table[i], value);
		if (option_table[i].kind != KIND_DOMAIN) /* which no file has */
			snprintf(known + len, sizeof(known) - len, ", %s", option_table[i].name);
	}
	log_err("unknown key '%s' in the configuration: use %s", name, known);
	return -EINVAL;
}

static int on_key(void *context, const char *name, const char *value)
{
	struct options *opt = context;

	/* For a file that comes later. */
	if (!strcmp(name, "swap") && !value[0]) {
		opt->nr_swap = 0;
		return 0;
	}
	return set_option(opt, name, value);
}

/* getopt_long() has stopped at argv[optind - 1], or within a word of short ones. */
static int bad_option(char **argv, int c)
{
	const char *option = argv[optind - 1];

	if (option[0] != '-')
		option = argv[optind];
	if (c == ':')
		log_err("option '%s' needs a value: see upagerd --help", option);
	else
		log_err("unknown option '%s': see upagerd --help", option);
	return -EINVAL;
}

static void set_defaults(struct options *opt)
{
	*opt = (struct options){
		.socket = "/run/upager/upager.sock",
		.state = "/run/upager",
		.trouble.retry_ns = TROUBLE_RETRY_S * NS_PER_S,
		.trouble.timeout_ns = TROUBLE_TIMEOUT_S * NS_PER_S,
		.stop_timeout_ns = STOP_TIMEOUT_S * NS_PER_S,
		.quotas = QUOTAS_DEFAULT,
		.user_area_percent = 50,
		.hold_latency = true,
		.log_level = LOG_LEVEL_INFO,
	};
}

/* What the command line has of each setting, the last one; NULL: it has none. */
struct given {
	struct options swap; /* nothing but the areas */
	const char *config;
	bool check;
	const char *value[OPTION_TABLE_NR];
};

static void list_options(struct option list[OPTION_TABLE_NR + 6])
{
	static const struct option others[] = {
		{ "swap", required_argument, NULL, OPT_SWAP },
		{ "config", required_argument, NULL, OPT_CONFIG },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "check-config", no_argument, NULL, OPT_CHECK },
	};

	memcpy(list, others, sizeof(others));
	for (size_t i = 0; i < OPTION_TABLE_NR; i++)
		list[ARRAY_SIZE(others) + i] =
			(struct option){ option_table[i].option, required_argument, NULL,
					 OPT_SETTING + (int)i };
	list[ARRAY_SIZE(others) + OPTION_TABLE_NR] = (struct option){ 0 };
}

/* 1: help was printed. */
static int read_command_line(struct given *given, int argc, char **argv)
{
	struct option list[OPTION_TABLE_NR + 6];
	int c, err = 0;

	list_options(list);
	opterr = 0;
	optind = 0; /* it may be read again */
	while (!err && (c = getopt_long(argc, argv, ":", list, NULL)) != -1)
		switch (c) {
		case OPT_SWAP:
			err = add_swap(&given->swap, optarg);
			break;
		case OPT_CONFIG:
			given->config = optarg;
			break;
		case OPT_CHECK:
			given->check = true;
			break;
		case OPT_HELP:
			fputs(options_help, stdout);
			return 1;
		case OPT_VERSION:
			printf("upagerd, protocol %d\n", UPAGER_PROTO_VERSION);
			return 1;
		default:
			if (c < OPT_SETTING || c >= OPT_SETTING + (int)OPTION_TABLE_NR)
				return bad_option(argv, c);
			given->value[c - OPT_SETTING] = optarg;
		}
	if (!err && optind < argc) {
		log_err("'%s' is not an option: see upagerd --help", argv[optind]);
		return -EINVAL;
	}
	return err;
}

/* Of the file with the command line over it. */
static int join(struct options *opt, const struct given *given)
{
	int err;

	set_defaults(opt);
	err = config_read(given->config ? given->config : CONFIG_DEFAULT, given->config, on_key,
			  opt);
	for (size_t i = 0; i < OPTION_TABLE_NR && !err; i++)
		if (given->value[i])
			err = set_and_note(opt, &option_table[i], given->value[i]);
	if (!err && given->swap.nr_swap) {
		memcpy(opt->swap, given->swap.swap, sizeof(opt->swap));
		opt->nr_swap = given->swap.nr_swap;
	}
	return err;
}

static int check(struct options *opt)
{
	if (opt->quotas.root_connections >= opt->quotas.connections) {
		log_err("root-connections is %u, which leaves none of %u connections to users: "
			"give "
			"less",
			opt->quotas.root_connections, opt->quotas.connections);
		return -EINVAL;
	}
	if (opt->per_user && opt->limit_bytes) {
		log_err("per-user and limit cannot be used together: nobody divides one limit "
			"among "
			"the pagers of users");
		return -EINVAL;
	}
	opt->apart.on |= opt->per_user;
	opt->apart.user_percent = opt->user_area_percent;
	if (!opt->nr_swap) {
		log_err("no swap area: name one with --swap (see upager mkswap --help)");
		return -EINVAL;
	}
	return 0;
}

int options_parse(struct options *opt, int argc, char **argv, int *exit_code)
{
	struct given given = { 0 };
	int err = read_command_line(&given, argc, argv);

	*exit_code = err > 0 ? UPAGER_EXIT_OK : UPAGER_EXIT_USAGE;
	if (err)
		return err;
	err = join(opt, &given) ?: check(opt);
	opt->check_only = given.check;
	return err;
}

void options_fini(struct options *opt)
{
	for (uint32_t i = 0; i < opt->nr_said; i++)
		free(opt->said[i].value);
	opt->nr_said = 0;
}
