// SPDX-License-Identifier: GPL-2.0-only
#include "option_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "base/types.h"

/* The smallest budget. */
#define LIMIT_MIN_BYTES (4ULL << 20)
#define SECONDS_MAX	86400

int option_set_text(char *to, size_t size, const char *what, const char *value)
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

int option_set_bool(bool *to, const char *what, const char *value)
{
	if (!strcmp(value, "yes") || !strcmp(value, "no")) {
		*to = !strcmp(value, "yes");
		return 0;
	}
	log_err("%s is '%s': use yes or no", what, value);
	return -EINVAL;
}

int option_set_limit(uint64_t *to, const char *value)
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

static const char *const when_full_names[] = {
	[WHEN_FULL_GROW] = "grow",
	[WHEN_FULL_WAIT] = "wait",
	[WHEN_FULL_SIGBUS] = "sigbus",
};

const char *option_when_full(enum when_full when_full)
{
	return when_full_names[when_full];
}

int option_set_when_full(enum when_full *to, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(when_full_names); i++)
		if (!strcmp(when_full_names[i], value)) {
			*to = (enum when_full)i;
			return 0;
		}
	log_err("when-full is '%s': use grow, wait or sigbus", value);
	return -EINVAL;
}

int option_set_seconds(uint64_t *to_ns, const char *what, unsigned long min, const char *value)
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

int option_set_count(uint32_t *to, const char *what, unsigned long min, unsigned long max,
		     const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || n < min || n > max) {
		log_err("%s is '%s': give a number, %lu to %lu", what, value, min, max);
		return -EINVAL;
	}
	*to = (uint32_t)n;
	return 0;
}

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{ "error", LOG_LEVEL_ERR },
	{ "warning", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

const char *option_level(enum log_level level)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(levels) && levels[i].level != level)
		i++;
	return levels[i].name;
}

int option_set_level(enum log_level *to, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (!strcmp(levels[i].name, value)) {
			*to = levels[i].level;
			return 0;
		}
	log_err("log level is '%s': use error, warning, info or debug", value);
	return -EINVAL;
}
