// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cause.h"

#include <stdarg.h>
#include <stdio.h>

#include "agent/inject.h"

int cause_set(char *cause, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cause, INJECT_CAUSE_BYTES, fmt, ap);
	va_end(ap);
	return err;
}
