// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "uapi/upager_proto.h"

/* The smallest budget. */
#define LIMIT_MIN_BYTES (4ULL << 20)
#define SECONDS_MAX	86400

static const char help[] =
	"Usage: upagerd --swap PATH[,pri=N]... [--socket S] [--state DIR] [--limit SIZE]\n"
	"               [--when-full grow|wait|sigbus] [--io-retry SECONDS]\n"
	"               [--io-timeout SECONDS] [--config FILE]\n"
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
	"  --config FILE        INI file with swap, socket, state, limit, when_full, io_retry,\n"
	"                       io_timeout, hold_latency, log_level in a section [upagerd]; the\n"
	"                       command line wins\n"
	"  --hold-latency yes|no\n"
	"                       keep CPUs out of deep sleep while faults arrive (default yes)\n"
	"  --log-level LEVEL    error, warning, info or debug (default info)\n"
	"  --help --version\n"
	"\n"
	"SIGTERM gives every process its pages back before the daemon exits.\n";

static const struct option options[] = {
	{ "swap", required_argument, NULL, 's' },
	{ "socket", required_argument, NULL, 'S' },
	{ "state", required_argument, NULL, 'd' },
	{ "limit", required_argument, NULL, 'm' },
	{ "when-full", required_argument, NULL, 'f' },
	{ "io-retry", required_argument, NULL, 'r' },
	{ "io-timeout", required_argument, NULL, 't' },
	{ "config", required_argument, NULL, 'c' },
	{ "hold-latency", required_argument, NULL, 'L' },
	{ "log-level", required_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int set_text(char *to, size_t size, const char *what, const char *value)
{
	if (!*value) {
		log_err("%s is empty: give one", what);
		return -EINVAL;
	}
	if (strlen(value) >= size) {
		log_err("%s is longer than %zu bytes: choose a shorter one", what, size - 1);
		return -ENAMETOOLONG;
	}
	memcpy(to, value, strlen(value) + 1);
	return 0;
}

static int set_bool(bool *to, const char *what, const char *value)
{
	if (!strcmp(value, "yes") || !strcmp(value, "no")) {
		*to = !strcmp(value, "yes");
		return 0;
	}
	log_err("%s is '%s': use yes or no", what, value);
	return -EINVAL;
}

static int set_limit(uint64_t *to, const char *value)
{
	if (size_parse(value, to)) {
		log_err("limit is '%s': give a size, a number with K, M, G or T", value);
		return -EINVAL;
	}
	if (*to < LIMIT_MIN_BYTES) {
		log_err("limit %s is too small: give at least 4M", value);
		return -EINVAL;
	}
	return 0;
}

static int set_when_full(enum when_full *to, const char *value)
{
	static const char *const names[] = {
		[WHEN_FULL_GROW] = "grow",
		[WHEN_FULL_WAIT] = "wait",
		[WHEN_FULL_SIGBUS] = "sigbus",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], value)) {
			*to = (enum when_full)i;
			return 0;
		}
	log_err("when-full is '%s': use grow, wait or sigbus", value);
	return -EINVAL;
}

static int set_seconds(uint64_t *to_ns, const char *what, unsigned long min, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || n < min || n > SECONDS_MAX) {
		log_err("%s is '%s': give seconds, %lu to %d", what, value, min, SECONDS_MAX);
		return -EINVAL;
	}
	*to_ns = n * NS_PER_S;
	return 0;
}

static int set_level(enum log_level *to, const char *value)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = {
		{ "error", LOG_LEVEL_ERR },
		{ "warning", LOG_LEVEL_WARN },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i].name, value)) {
			*to = names[i].level;
			return 0;
		}
	log_err("log level is '%s': use error, warning, info or debug", value);
	return -EINVAL;
}

static int add_swap(struct options *opt, const char *value)
{
	char cause[AREA_CAUSE_BYTES];
	struct area area;
	int err;

	if (opt->nr_swap == AREAS_MAX) {
		log_err("more than %d swap areas: leave some out", AREAS_MAX);
		return -E2BIG;
	}
	err = set_text(opt->swap[opt->nr_swap++], sizeof(opt->swap[0]), "a swap area", value);
	if (err)
		return err;
	err = area_parse_spec(&area, value, cause);
	if (err)
		log_err("%s", cause);
	return err;
}

static int set_option(struct options *opt, const char *name, const char *value)
{
	if (!strcmp(name, "swap"))
		return add_swap(opt, value);
	if (!strcmp(name, "socket"))
		return set_text(opt->socket, sizeof(opt->socket), "the socket's path", value);
	if (!strcmp(name, "state"))
		return set_text(opt->state, sizeof(opt->state), "the state directory", value);
	if (!strcmp(name, "limit"))
		return set_limit(&opt->limit_bytes, value);
	if (!strcmp(name, "when_full"))
		return set_when_full(&opt->trouble.when_full, value);
	if (!strcmp(name, "io_retry"))
		return set_seconds(&opt->trouble.retry_ns, "io_retry", 0, value);
	if (!strcmp(name, "io_timeout"))
		return set_seconds(&opt->trouble.timeout_ns, "io_timeout", 1, value);
	if (!strcmp(name, "hold_latency"))
		return set_bool(&opt->hold_latency, "hold-latency", value);
	if (!strcmp(name, "log_level"))
		return set_level(&opt->log_level, value);
	log_err("unknown key '%s' in the configuration: use swap, socket, state, limit, "
		"when_full, io_retry, io_timeout, hold_latency, log_level",
		name);
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

int options_parse(struct options *opt, int argc, char **argv, int *exit_code)
{
	struct options cmd = { 0 }, file = { 0 };
	const char *config = NULL;
	const char *limit = NULL, *latency = NULL, *level = NULL;
	const char *full = NULL, *retry = NULL, *timeout = NULL;
	int c, err = 0;

	*exit_code = UPAGER_EXIT_USAGE;
	opterr = 0;
	while (!err && (c = getopt_long(argc, argv, ":", options, NULL)) != -1)
		switch (c) {
		case 's':
			err = add_swap(&cmd, optarg);
			break;
		case 'S':
			err = set_text(cmd.socket, sizeof(cmd.socket), "the socket's path", optarg);
			break;
		case 'd':
			err = set_text(cmd.state, sizeof(cmd.state), "the state directory", optarg);
			break;
		case 'm':
			limit = optarg;
			break;
		case 'f':
			full = optarg;
			break;
		case 'r':
			retry = optarg;
			break;
		case 't':
			timeout = optarg;
			break;
		case 'c':
			config = optarg;
			break;
		case 'L':
			latency = optarg;
			break;
		case 'l':
			level = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			*exit_code = UPAGER_EXIT_OK;
			return 1;
		case 'V':
			printf("upagerd, protocol %d\n", UPAGER_PROTO_VERSION);
			*exit_code = UPAGER_EXIT_OK;
			return 1;
		default:
			return bad_option(argv, c);
		}
	if (err)
		return err;
	if (optind < argc) {
		log_err("'%s' is not an option: see upagerd --help", argv[optind]);
		return -EINVAL;
	}
	file.hold_latency = true;
	file.trouble.retry_ns = TROUBLE_RETRY_S * NS_PER_S;
	file.trouble.timeout_ns = TROUBLE_TIMEOUT_S * NS_PER_S;
	file.log_level = LOG_LEVEL_INFO;
	memcpy(file.socket, "/run/upager/upager.sock", sizeof("/run/upager/upager.sock"));
	memcpy(file.state, "/run/upager", sizeof("/run/upager"));
	if (config)
		err = read_config(&file, config);
	if (!err && limit)
		err = set_limit(&file.limit_bytes, limit);
	if (!err && full)
		err = set_when_full(&file.trouble.when_full, full);
	if (!err && retry)
		err = set_seconds(&file.trouble.retry_ns, "--io-retry", 0, retry);
	if (!err && timeout)
		err = set_seconds(&file.trouble.timeout_ns, "--io-timeout", 1, timeout);
	if (!err && latency)
		err = set_bool(&file.hold_latency, "--hold-latency", latency);
	if (!err && level)
		err = set_level(&file.log_level, level);
	if (err)
		return err;
	*opt = file;
	if (cmd.nr_swap) {
		memcpy(opt->swap, cmd.swap, sizeof(cmd.swap));
		opt->nr_swap = cmd.nr_swap;
	}
	if (cmd.socket[0])
		memcpy(opt->socket, cmd.socket, sizeof(cmd.socket));
	if (cmd.state[0])
		memcpy(opt->state, cmd.state, sizeof(cmd.state));
	if (!opt->nr_swap) {
		log_err("no swap area: name one with --swap (see upager mkswap --help)");
		return -EINVAL;
	}
	return 0;
}
