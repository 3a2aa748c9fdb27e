// SPDX-License-Identifier: GPL-2.0-only
#include "cli/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void check_run(const struct check *check, struct finding *finding)
{
	*finding = (struct finding){ .result = CHECK_OK, .need = check->need };
	check->probe(check, finding);
}

void check_found(struct finding *finding, enum check_result result, const char *fmt, ...)
{
	va_list ap;

	finding->result = result;
	va_start(ap, fmt);
	vsnprintf(finding->detail, sizeof(finding->detail), fmt, ap);
	va_end(ap);
}

void check_failed(struct finding *finding, int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		if (geteuid()) {
			finding->untried = true;
			check_found(finding, CHECK_WARNING, "only root may try");
		} else {
			check_found(finding, CHECK_MISSING,
				    "forbidden even to root (a container?)");
		}
		break;
	case -ENOSYS:
	case -EINVAL:
	case -ENOENT:
		check_found(finding, CHECK_MISSING, "not in this kernel");
		break;
	default:
		check_found(finding, CHECK_MISSING, "%s", strerror(-err));
	}
}
