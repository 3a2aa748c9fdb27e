// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/xml.h"

#include <string.h>

/* Bytes of the character at text; 0: it is none that XML may hold. */
static int character_bytes(const unsigned char *text)
{
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
	    code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || (code & 0xfffe) == 0xfffe)
		return 0;
	return n;
}

void map_xml_text(FILE *f, const char *text)
{
	while (*text) {
		int n = character_bytes((const unsigned char *)text);

		if (!n)
			putc('?', f);
		else if (*text == '<')
			fputs("&lt;", f);
		else if (*text == '&')
			fputs("&amp;", f);
		else if (*text == '"')
			fputs("&quot;", f);
		else
			fwrite(text, 1, (size_t)n, f);
		text += n ? n : 1;
	}
}
