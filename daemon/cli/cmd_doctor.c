// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/types.h"
#include "cli/args.h"
#include "cli/check.h"
#include "cli/json.h"
#include "cli/message.h"
#include "uapi/upager_proto.h"

static const char help[] =
	"Usage: upager doctor [--json]\n"
	"\n"
	"Check by trying what this kernel and this machine offer: ok, missing or warning,\n"
	"and what it costs.  Best run as root.\n"
	"\n"
	"  --json  print an object with \"verdict\" (full, fallback, unchecked, cannot) and\n"
	"          \"checks\", a list of objects\n"
	"\n"
	"Exit status: 0 the pager works, in full or with the fallbacks that are named;\n"
	"2 usage, 3 this kernel cannot run it.\n";

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct check *const lists[] = {
	checks_uffd, checks_uring, checks_process, checks_memory, checks_module, checks_host,
};

enum verdict {
	VERDICT_FULL,
	VERDICT_FALLBACK,
	VERDICT_UNCHECKED,
	VERDICT_CANNOT,
};

static const struct {
	const char *name;
	const char *text;
} verdicts[] = {
	[VERDICT_FULL] = { "full", "The pager works in full here." },
	[VERDICT_FALLBACK] = { "fallback",
			       "The pager works here, at the cost of what is missing." },
	[VERDICT_UNCHECKED] = { "unchecked", "Not all could be tried; run upager doctor as root." },
	[VERDICT_CANNOT] = { "cannot", "The pager cannot run here." },
};

static const char *const results[] = {
	[CHECK_OK] = "ok",
	[CHECK_WARNING] = "warning",
	[CHECK_MISSING] = "missing",
};

/* What one finding alone would make of the whole. */
static enum verdict judge(const struct finding *finding)
{
	if (finding->result == CHECK_MISSING && finding->need == CHECK_NEED_ALWAYS)
		return VERDICT_CANNOT;
	if (finding->untried)
		return VERDICT_UNCHECKED;
	if (finding->result == CHECK_MISSING && finding->need == CHECK_NEED_FULL)
		return VERDICT_FALLBACK;
	return VERDICT_FULL;
}

static void print_line(const struct check *check, const struct finding *finding)
{
	const char *cost = finding->result == CHECK_MISSING ? check->cost : NULL;
	bool more = cost || finding->detail[0];

	printf("%-23s %-*s%s%s%s\n", check->name, more ? 9 : 0, results[finding->result],
	       finding->detail, cost && finding->detail[0] ? ": " : "", cost ? cost : "");
}

static json_t *check_object(const struct check *check, const struct finding *finding)
{
	json_t *object = json_object();

	json_object_set_new(object, "name", json_string(check->name));
	json_object_set_new(object, "result", json_string(results[finding->result]));
	if (finding->detail[0])
		json_object_set_new(object, "detail", json_text(finding->detail));
	if (finding->result == CHECK_MISSING && check->cost)
		json_object_set_new(object, "cost", json_string(check->cost));
	return object;
}

/* array: NULL prints a line per check. */
static enum verdict run_checks(json_t *array)
{
	enum verdict verdict = VERDICT_FULL;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (const struct check *check = lists[i]; check->name; check++) {
			struct finding finding;

			check_run(check, &finding);
			if (finding.moot)
				continue;
			verdict = max_t(enum verdict, verdict, judge(&finding));
			if (array)
				json_array_append_new(array, check_object(check, &finding));
			else
				print_line(check, &finding);
		}
	return verdict;
}

static enum verdict print_json(int *err)
{
	json_t *root = json_object();
	json_t *array = json_array();
	enum verdict verdict = run_checks(array);

	json_object_set_new(root, "verdict", json_string(verdicts[verdict].name));
	json_object_set_new(root, "checks", array);
	*err = json_print(root);
	return verdict;
}

int cmd_doctor(int argc, char **argv)
{
	enum verdict verdict;
	bool json = false;
	int c, exit_code, err = 0;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
		switch (c) {
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return UPAGER_EXIT_OK;
		default:
			return args_bad_option(argv, c);
		}
	exit_code = args_count(argc, argv, 0, 0);
	if (exit_code)
		return exit_code;
	if (json) {
		verdict = print_json(&err);
	} else {
		verdict = run_checks(NULL);
		printf("\n%s\n", verdicts[verdict].text);
	}
	if (err)
		return message_fail(UPAGER_EXIT_FAILED, "cannot print: %s", strerror(-err));
	return verdict == VERDICT_CANNOT ? UPAGER_EXIT_KERNEL : UPAGER_EXIT_OK;
}
