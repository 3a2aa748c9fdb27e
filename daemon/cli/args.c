// SPDX-License-Identifier: GPL-2.0-only
#include "cli/args.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "base/types.h"
#include "cli/message.h"
#include "uapi/upager_proto.h"

const struct option args_help_only[] = {
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int args_bad_option(char **argv, int c)
{
	const char *option = argv[optind - 1];

	/* In the middle of "-abc" optind still points at it. */
	if (option[0] != '-')
		option = argv[optind];
	if (c == ':')
		return message_fail(UPAGER_EXIT_USAGE,
				    "option '%s' needs a value; see upager %s --help", option,
				    argv[0]);
	return message_fail(UPAGER_EXIT_USAGE, "unknown option '%s'; see upager %s --help", option,
			    argv[0]);
}

int args_count(int argc, char **argv, int min, int max)
{
	int nr = argc - optind;

	if (nr < min)
		return message_fail(UPAGER_EXIT_USAGE,
				    "an argument is missing; see upager %s --help", argv[0]);
	if (nr > max)
		return message_fail(UPAGER_EXIT_USAGE,
				    "'%s' is one argument too many; see upager %s --help",
				    argv[optind + max], argv[0]);
	return UPAGER_EXIT_OK;
}

int args_area(const char *path)
{
	if (access(path, F_OK))
		return message_fail(UPAGER_EXIT_FAILED,
				    "%s: %s; name a swap area that upager mkswap has made", path,
				    strerror(errno));
	return UPAGER_EXIT_OK;
}

int args_pid(const char *text, pid_t *pid)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < 1 || value > INT_MAX)
		return message_fail(UPAGER_EXIT_USAGE,
				    "'%s' is no process id; give a positive number", text);
	*pid = (pid_t)value;
	return UPAGER_EXIT_OK;
}

/* A field of /proc/meminfo in bytes; 0 if it cannot be read. */
static uint64_t meminfo_bytes(const char *field)
{
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t bytes = 0;
	char line[128];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, field, strlen(field)))
			bytes = strtoull(line + strlen(field), NULL, 10) * 1024;
	fclose(file);
	return bytes;
}

int args_default_budget(uint64_t *budget_bytes)
{
	*budget_bytes = meminfo_bytes("MemAvailable:") / 4 & PAGE_MASK;
	if (!*budget_bytes)
		return message_fail(UPAGER_EXIT_USAGE,
				    "/proc/meminfo does not tell the memory; give --budget");
	return UPAGER_EXIT_OK;
}

int args_budget(const char *text, uint64_t *budget_bytes)
{
	uint64_t total_bytes = meminfo_bytes("MemTotal:");
	char total_text[SIZE_TEXT_BYTES];

	if (size_parse(text, budget_bytes))
		return message_fail(UPAGER_EXIT_USAGE,
				    "'%s' is no size; give a number with K, M, G or T", text);
	if (!*budget_bytes)
		return message_fail(UPAGER_EXIT_USAGE,
				    "a budget of zero lets nothing run; give some memory");
	if (total_bytes && *budget_bytes > total_bytes) {
		size_format(total_bytes, total_text, sizeof(total_text));
		return message_fail(UPAGER_EXIT_USAGE,
				    "budget '%s' is larger than memory; give less than %s", text,
				    total_text);
	}
	return UPAGER_EXIT_OK;
}

int args_weight(const char *text, uint32_t *weight)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !value || value > UPAGER_WEIGHT_MAX)
		return message_fail(UPAGER_EXIT_USAGE,
				    "'%s' is no weight; give a number from 1 to %d, %d is normal",
				    text, UPAGER_WEIGHT_MAX, UPAGER_WEIGHT_DEFAULT);
	*weight = (uint32_t)value;
	return UPAGER_EXIT_OK;
}
