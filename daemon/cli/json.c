// SPDX-License-Identifier: GPL-2.0-only
#include "cli/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* Length of the UTF-8 sequence at text; 0 if it is none.  jansson has the last word. */
static size_t sequence_length(const char *text)
{
	for (size_t length = 1; length <= 4; length++) {
		json_t *probe;

		if (!text[length - 1])
			return 0;
		probe = json_stringn(text, length);
		if (probe) {
			json_decref(probe);
			return length;
		}
	}
	return 0;
}

json_t *json_text(const char *text)
{
	char *clean, *to;
	json_t *string = json_string(text);

	if (string)
		return string;
	clean = malloc(strlen(text) * strlen(REPLACEMENT) + 1);
	if (!clean)
		return NULL;
	to = clean;
	while (*text) {
		size_t length = sequence_length(text);

		if (length) {
			memcpy(to, text, length);
			to += length;
			text += length;
		} else {
			to = stpcpy(to, REPLACEMENT);
			text++;
		}
	}
	*to = '\0';
	string = json_string(clean);
	free(clean);
	return string;
}

json_t *json_count(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

int json_print(json_t *root)
{
	int err = json_dumpf(root, stdout, JSON_INDENT(2)) ? -EIO : 0;

	json_decref(root);
	if (!err && putchar('\n') == EOF)
		err = -errno;
	return err;
}
