// SPDX-License-Identifier: GPL-2.0-only
#include "base/hook.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/types.h"

static const char *const names[] = { "UPAGER_FAILPOINTS", "UPAGER_DISABLE",
				     "UPAGER_INJECT_KILL_AT" };

#ifdef UPAGER_RELEASE
#define WHY "this build has no test hooks"
#else
#define WHY "it was set by who has less privileges than the program"
#endif

const char *hook_env(const char *name)
{
#ifdef UPAGER_RELEASE
	(void)name;
	return NULL;
#else
	return secure_getenv(name);
#endif
}

void hook_say_ignored(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (getenv(names[i]) && !hook_env(names[i]))
			log_warn("%s is set, ignoring: " WHY, names[i]);
}
