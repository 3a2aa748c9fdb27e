// SPDX-License-Identifier: GPL-2.0-only
#include "option_change.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/types.h"
#include "option_value.h"

/* As set() takes it; "" where nothing is set. */
static void get(const struct options *opt, const struct setting *s, char *text, size_t size)
{
	const void *from = (const char *)opt + s->at;

	text[0] = '\0';
	switch (s->kind) {
	case KIND_TEXT:
		snprintf(text, size, "%s", (const char *)from);
		break;
	case KIND_SIZE:
		if (*(const uint64_t *)from)
			snprintf(text, size, "%llu", (unsigned long long)*(const uint64_t *)from);
		break;
	case KIND_SECONDS:
		snprintf(text, size, "%llu", *(const uint64_t *)from / NS_PER_S);
		break;
	case KIND_COUNT:
		snprintf(text, size, "%u", *(const uint32_t *)from);
		break;
	case KIND_BOOL:
		snprintf(text, size, "%s", *(const bool *)from ? "yes" : "no");
		break;
	case KIND_FULL:
		snprintf(text, size, "%s", option_when_full(*(const enum when_full *)from));
		break;
	case KIND_LEVEL:
		snprintf(text, size, "%s", option_level(*(const enum log_level *)from));
		break;
	case KIND_DOMAIN:
		break;
	}
}

/* As a file would have it. */
void options_print(const struct options *opt)
{
	char text[512];

	puts("[upagerd]");
	for (uint32_t i = 0; i < opt->nr_swap; i++)
		printf("swap = %s\n", opt->swap[i]);
	for (size_t i = 0; i < OPTION_TABLE_NR; i++) {
		get(opt, &option_table[i], text, sizeof(text));
		if (text[0])
			printf("%s = %s\n", option_table[i].name, text);
	}
}

static void add_change(char *list, const char *name, const char *old, const char *new)
{
	size_t len = strlen(list);

	snprintf(list + len, OPTIONS_CHANGES_BYTES - len, "%s%s%s%s%s%s", len ? ", " : "", name,
		 old ? " " : "", old ? old : "", new ? " -> " : "", new ? new : "");
}

void options_changes(const struct options *old, const struct options *new,
		     char changed[OPTIONS_CHANGES_BYTES], char fixed[OPTIONS_CHANGES_BYTES])
{
	char before[512], after[512];

	changed[0] = fixed[0] = '\0';
	if (old->nr_swap != new->nr_swap || memcmp(old->swap, new->swap, sizeof(old->swap)))
		add_change(fixed, "swap", NULL, NULL);
	for (size_t i = 0; i < OPTION_TABLE_NR; i++) {
		get(old, &option_table[i], before, sizeof(before));
		get(new, &option_table[i], after, sizeof(after));
		if (!strcmp(before, after))
			continue;
		if (option_table[i].fixed)
			add_change(fixed, option_table[i].name, NULL, NULL);
		else
			add_change(changed, option_table[i].name, before[0] ? before : "none",
				   after[0] ? after : "none");
	}
}

void options_keep_fixed(struct options *new, const struct options *old)
{
	memcpy(new->swap, old->swap, sizeof(new->swap));
	new->nr_swap = old->nr_swap;
	memcpy(new->socket, old->socket, sizeof(new->socket));
	memcpy(new->state, old->state, sizeof(new->state));
	new->per_user = old->per_user;
	new->user_area_percent = old->user_area_percent;
	new->apart = old->apart;
}
