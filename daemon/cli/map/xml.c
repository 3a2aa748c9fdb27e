// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/xml.h"

#include <string.h>

#include "base/printable.h"

void map_xml_text(FILE *f, const char *text)
{
	while (*text) {
		int n = printable_bytes(text);

		if (!n)
			putc('?', f);
		else if (*text == '<')
			fputs("&lt;", f);
		else if (*text == '>')
			fputs("&gt;", f);
		else if (*text == '&')
			fputs("&amp;", f);
		else if (*text == '"')
			fputs("&quot;", f);
		else
			fwrite(text, 1, (size_t)n, f);
		text += n ? n : 1;
	}
}
