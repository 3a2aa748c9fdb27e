// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "option_value.h"
#include "uapi/upager_proto.h"

#define STOP_TIMEOUT_S 60

static const char help[] =
	"Usage: upagerd --swap PATH[,pri=N]... [--socket S] [--state DIR] [--limit SIZE]\n"
	"               [--when-full grow|wait|sigbus] [--io-retry SECONDS]\n"
	"               [--io-timeout SECONDS] [--stop-timeout SECONDS]\n"
	"               [--connections N] [--user-connections N] [--root-connections N]\n"
	"               [--user-processes N] [--per-user yes|no] [--user-area PERCENT]\n"
	"               [--config FILE]\n"
	"\n"
	"Takes cold private memory out of the processes that `upager run` and `upager attach`\n"
	"name, keeps it in swap areas, and serves their faults.  Runs in the foreground.\n"
	"\n"
	"  --swap PATH[,pri=N]  a swap area made by `upager mkswap`; several are used in order\n"
	"                       of priority, the highest first\n"
	"  --socket S           control socket (default /run/upager/upager.sock)\n"
	"  --state DIR          state directory, best on a tmpfs (default /run/upager)\n"
	"  --limit SIZE         private anonymous memory that all paged processes together keep\n"
	"                       resident; where budgets add up to more, each gets a part in\n"
	"                       proportion to its budget and weight (default: no limit)\n"
	"  --when-full WHAT     what a program over its budget gets when the areas are full: grow\n"
	"                       (default) beyond it, wait for room, sigbus for new memory\n"
	"  --io-retry SECONDS   a read that fails is tried again for so long (default 10), then\n"
	"                       who wants the page gets SIGBUS\n"
	"  --io-timeout SECONDS the same of a read or write that takes longer (default 60)\n"
	"  --stop-timeout SECONDS\n"
	"                       whom SIGTERM cannot let go of by then is named and left to wait\n"
	"                       for another daemon (default 60)\n"
	"  --connections N      clients at the same time (default 256), of which one user may "
	"have\n"
	"  --user-connections N so many (default 64), and\n"
	"  --root-connections N so many are root's alone (default 32)\n"
	"  --user-processes N   processes that one user, not root, may have paged (default 1024)\n"
	"  --per-user yes|no    a process of its own pages the programs of each user, so that "
	"what\n"
	"                       one of them does stops nobody else's (default no)\n"
	"  --user-area PERCENT  what one user, not root, may have of each swap area then\n"
	"                       (default 50)\n"
	"  --config FILE        INI file with these options, with _ for -, in a section "
	"[upagerd];\n"
	"                       the command line wins\n"
	"  --hold-latency yes|no\n"
	"                       keep CPUs out of deep sleep while faults arrive (default yes)\n"
	"  --log-level LEVEL    error, warning, info or debug (default info)\n"
	"  --help --version\n"
	"\n"
	"SIGTERM gives every process its pages back before the daemon exits.\n";

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
#define OPT_SETTING 16 /* and above: its place in the table */

enum kind {
	KIND_TEXT,
	KIND_SIZE,
	KIND_SECONDS,
	KIND_COUNT,
	KIND_BOOL,
	KIND_FULL,
	KIND_LEVEL,
	KIND_DOMAIN,
};

/* What is in the file under its name, and on the command line with dashes. */
struct setting {
	const char *name;
	const char *option;
	enum kind kind;
	const char *what; /* in messages */
	size_t at; /* in struct options */
	size_t size; /* KIND_TEXT: with its end */
	unsigned long min; /* KIND_SECONDS, KIND_COUNT */
	unsigned long max; /* KIND_COUNT */
	bool first_only; /* it is not passed on to the pagers of users */
};

#define AT(member)   .at = offsetof(struct options, member)
#define TEXT(member) AT(member), .size = sizeof(((struct options *)NULL)->member)
#define COUNT(name, option, member, least, most)                                               \
	{                                                                                      \
		name, option, KIND_COUNT, option, AT(quotas.member), .min = least, .max = most \
	}

static const struct setting settings[] = {
	{ "socket", "socket", KIND_TEXT, "the socket's path", TEXT(socket), .first_only = true },
	{ "state", "state", KIND_TEXT, "the state directory", TEXT(state), .first_only = true },
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
	{ "per_user", "per-user", KIND_BOOL, "per-user", AT(per_user), .first_only = true },
	{ "user_area", "user-area", KIND_COUNT, "user-area", AT(user_area_percent), .min = 1,
	  .max = 100 },
	/* What the first pager tells those that it starts. */
	{ "domain", "domain", KIND_DOMAIN, "domain", AT(apart), .first_only = true },
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

	if (err || s->first_only || opt->nr_said == OPTIONS_SAID_MAX)
		return err;
	opt->said[opt->nr_said].option = s->option;
	opt->said[opt->nr_said].value = strdup(value);
	return opt->said[opt->nr_said++].value ? 0 : -ENOMEM;
}

static int set_option(struct options *opt, const char *name, const char *value)
{
	char known[256] = "swap";

	if (!strcmp(name, "swap"))
		return add_swap(opt, value);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		size_t len = strlen(known);

		if (!strcmp(name, settings[i].name))
			return set_and_note(opt, &settings[i], value);
		snprintf(known + len, sizeof(known) - len, ", %s", settings[i].name);
	}
	log_err("unknown key '%s' in the configuration: use %s", name, known);
	return -EINVAL;
}

struct config {
	struct options *opt;
	bool wrong; /* and that was said */
};

static int on_ini(void *context, const char *section, const char *name, const char *value)
{
	struct config *config = context;

	if (config->wrong)
		return 1; /* one line is enough */
	if (strcmp(section, "upagerd")) {
		log_err("unknown section [%s] in the configuration: use [upagerd]", section);
		config->wrong = true;
	} else if (set_option(config->opt, name, value)) {
		config->wrong = true;
	}
	return !config->wrong;
}

static int read_config(struct options *opt, const char *path)
{
	struct config config = { .opt = opt };
	int line = ini_parse(path, on_ini, &config);

	if (!line)
		return 0;
	if (line < 0)
		log_err("cannot read the configuration %s: %s; name another with --config", path,
			strerror(errno));
	else if (!config.wrong)
		log_err("line %d of the configuration %s is not KEY = VALUE: see upagerd --help",
			line, path);
	return -EINVAL;
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
	const char *value[ARRAY_SIZE(settings)];
};

static void list_options(struct option list[ARRAY_SIZE(settings) + 5])
{
	static const struct option others[] = {
		{ "swap", required_argument, NULL, OPT_SWAP },
		{ "config", required_argument, NULL, OPT_CONFIG },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "version", no_argument, NULL, OPT_VERSION },
	};

	memcpy(list, others, sizeof(others));
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		list[ARRAY_SIZE(others) + i] =
			(struct option){ settings[i].option, required_argument, NULL,
					 OPT_SETTING + (int)i };
	list[ARRAY_SIZE(others) + ARRAY_SIZE(settings)] = (struct option){ 0 };
}

/* 1: help was printed. */
static int read_command_line(struct given *given, int argc, char **argv)
{
	struct option list[ARRAY_SIZE(settings) + 5];
	int c, err = 0;

	list_options(list);
	opterr = 0;
	while (!err && (c = getopt_long(argc, argv, ":", list, NULL)) != -1)
		switch (c) {
		case OPT_SWAP:
			err = add_swap(&given->swap, optarg);
			break;
		case OPT_CONFIG:
			given->config = optarg;
			break;
		case OPT_HELP:
			fputs(help, stdout);
			return 1;
		case OPT_VERSION:
			printf("upagerd, protocol %d\n", UPAGER_PROTO_VERSION);
			return 1;
		default:
			if (c < OPT_SETTING || c >= OPT_SETTING + (int)ARRAY_SIZE(settings))
				return bad_option(argv, c);
			given->value[c - OPT_SETTING] = optarg;
		}
	if (!err && optind < argc) {
		log_err("'%s' is not an option: see upagerd --help", argv[optind]);
		return -EINVAL;
	}
	return err;
}

int options_parse(struct options *opt, int argc, char **argv, int *exit_code)
{
	struct given given = { 0 };
	int err = read_command_line(&given, argc, argv);

	*exit_code = err > 0 ? UPAGER_EXIT_OK : UPAGER_EXIT_USAGE;
	if (err)
		return err;
	set_defaults(opt);
	if (given.config)
		err = read_config(opt, given.config);
	for (size_t i = 0; i < ARRAY_SIZE(settings) && !err; i++)
		if (given.value[i])
			err = set_and_note(opt, &settings[i], given.value[i]);
	if (err)
		return err;
	if (given.swap.nr_swap) {
		memcpy(opt->swap, given.swap.swap, sizeof(opt->swap));
		opt->nr_swap = given.swap.nr_swap;
	}
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
