// SPDX-License-Identifier: GPL-2.0-only
#include "base/disable.h"

#include <errno.h>
#include <string.h>

#include "base/hook.h"
#include "base/log.h"
#include "base/types.h"

static const char *const known[] = { "move",	  "poison", "wp",	 "remap",
				     "connector", "held",   "breakpoint" };

/* The next name of the list, its length; NULL: there is none. */
static const char *next_name(const char **list, size_t *len)
{
	const char *name = *list;

	if (!name || !*name)
		return NULL;
	*len = strcspn(name, ",");
	*list = name + *len + (name[*len] == ',');
	return name;
}

static bool is_name(const char *known_name, const char *name, size_t len)
{
	return strlen(known_name) == len && !strncmp(known_name, name, len);
}

int disable_check(void)
{
	const char *list = hook_env("UPAGER_DISABLE"), *name;
	size_t len;

	while ((name = next_name(&list, &len))) {
		size_t i = 0;

		while (i < ARRAY_SIZE(known) && !is_name(known[i], name, len))
			i++;
		if (i < ARRAY_SIZE(known))
			continue;
		log_err("UPAGER_DISABLE: '%.*s' is unknown: use move, poison, wp, remap, "
			"connector, held, breakpoint",
			(int)len, name);
		return -EINVAL;
	}
	return 0;
}

bool disabled(const char *what)
{
	const char *list = hook_env("UPAGER_DISABLE"), *name;
	size_t len;

	while ((name = next_name(&list, &len)))
		if (is_name(what, name, len))
			return true;
	return false;
}
