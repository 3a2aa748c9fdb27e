// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "cli/args.h"
#include "cli/message.h"
#include "base/progress.h"
#include "swap/area.h"
#include "uapi/upager_proto.h"

#define UUID_TEXT_BYTES 37

static const char help[] =
	"Usage: upager mkswap [--force] [--label LABEL] [--size SIZE] PATH\n"
	"\n"
	"Make PATH, a block device or a file, a swap area for upagerd --swap PATH.\n"
	"\n"
	"  --force        overwrite a file system, a partition table or data; make an area\n"
	"                 in memory (tmpfs)\n"
	"  --label LABEL  name the area, 32 bytes at most\n"
	"  --size SIZE    make the file, or let it grow to SIZE; says on a terminal how far\n"
	"                 that has come, and interrupted leaves it as it was\n"
	"\n"
	"SIZE is a number of bytes, or one with K, M, G or T (powers of 1024).\n"
	"\n"
	"Exit status: 0, 1 refused or failed, 2 usage.\n";

static void uuid_format(const uint8_t uuid[16], char text[UUID_TEXT_BYTES])
{
	size_t at = 0;

	for (int i = 0; i < 16; i++) {
		const char *dash = i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";

		at += (size_t)snprintf(text + at, UUID_TEXT_BYTES - at, "%s%02x", dash, uuid[i]);
	}
}

static void print_area(const char *path, const struct superblock *sb)
{
	char uuid[UUID_TEXT_BYTES];
	char size[SIZE_TEXT_BYTES];

	size_format(sb->nr_slots * PAGE_SIZE, size, sizeof(size));
	uuid_format(sb->uuid, uuid);
	printf("%s: %s, %llu slots, UUID %s", path, size, (unsigned long long)sb->nr_slots - 1,
	       uuid);
	if (sb->label[0])
		printf(", label %s", sb->label);
	putchar('\n');
}

static int parse_options(int argc, char **argv, struct area_make_options *opt, bool *want_help)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "label", required_argument, NULL, 'L' },
		{ "size", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, ":fL:s:h", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			opt->force = 1;
			break;
		case 'L':
			if (strlen(optarg) > SUPERBLOCK_LABEL_BYTES)
				return message_fail(UPAGER_EXIT_USAGE,
						    "label '%s' is too long; give %d bytes at most",
						    optarg, SUPERBLOCK_LABEL_BYTES);
			opt->label = optarg;
			break;
		case 's':
			if (size_parse(optarg, &opt->size_bytes) || !opt->size_bytes)
				return message_fail(
					UPAGER_EXIT_USAGE,
					"'%s' is no size; give a number with K, M, G or T", optarg);
			break;
		case 'h':
			*want_help = true;
			return UPAGER_EXIT_OK;
		default:
			return args_bad_option(argv, c);
		}
	}
	return args_count(argc, argv, 1, 1);
}

static bool show(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
	progress_show(context, done_bytes, total_bytes);
	return progress_interrupted();
}

int cmd_mkswap(int argc, char **argv)
{
	struct progress progress;
	struct area_make_options opt = { .progress = show, .context = &progress };
	char cause[AREA_CAUSE_BYTES];
	bool want_help = false;
	struct superblock sb;
	int exit_code, err;

	exit_code = parse_options(argc, argv, &opt, &want_help);
	if (want_help)
		fputs(help, stdout);
	if (exit_code || want_help)
		return exit_code;
	progress_catch();
	progress_begin(&progress, "mkswap");
	err = area_make(argv[optind], &opt, &sb, cause);
	progress_end(&progress);
	if (err)
		return message_fail(UPAGER_EXIT_FAILED, "%s", cause);
	print_area(argv[optind], &sb);
	return UPAGER_EXIT_OK;
}
