// SPDX-License-Identifier: GPL-2.0-only
#include "cli/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/printable.h"

void message_clean(char *text)
{
	printable_clean(text);
}

static void print(const char *fmt, va_list ap)
{
	char text[1024];
	char line[sizeof(text) + 16];
	int len;

	vsnprintf(text, sizeof(text), fmt, ap);
	message_clean(text);
	len = snprintf(line, sizeof(line), "upager: %s\n", text);
	/* When stderr is gone there is nowhere left to complain. */
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

void message_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
}

int message_fail(int exit_code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
	return exit_code;
}
