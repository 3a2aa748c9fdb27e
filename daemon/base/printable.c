// SPDX-License-Identifier: GPL-2.0-only
#include "base/printable.h"

#include <stdbool.h>

/* Left-to-right mark and the like: Unicode Standard Annex #9. */
static bool turns(unsigned int code)
{
	return code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

int printable_bytes(const char *at)
{
	const unsigned char *text = (const unsigned char *)at;
	unsigned int code;
	int n;

	if (text[0] < 0x80)
		return text[0] >= ' ' && text[0] != 0x7f;
	n = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	code = text[0] & (0x7fu >> n);
	for (int i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3fu);
	}
	if (code < (n == 4   ? 0x10000u
		    : n == 3 ? 0x800u
			     : 0xa0u) ||
	    code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || (code & 0xfffe) == 0xfffe ||
	    turns(code))
		return 0;
	return n;
}

void printable_clean(char *text)
{
	while (*text) {
		int n = printable_bytes(text);

		if (!n)
			*text = '?';
		text += n ? n : 1;
	}
}
