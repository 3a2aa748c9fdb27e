// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/page.h"

/* One file behind the other, with the NUL of a string behind the last. */
#define BEGIN(name)   ".pushsection .rodata\n.global " name "\n.type " name ", @object\n" name ":\n"
#define FILE_OF(file) ".incbin \"daemon/cli/map/page/" file "\"\n"
#define END(name)     ".byte 0\n.size " name ", . - " name "\n.popsection\n"

__asm__(BEGIN("map_page_frame") FILE_OF("frame.html") END("map_page_frame"));
__asm__(BEGIN("map_page_style") FILE_OF("frame.css") FILE_OF("space.css") FILE_OF("narrow.css")
		END("map_page_style"));
__asm__(BEGIN("map_page_script") FILE_OF("model.js") FILE_OF("head.js") FILE_OF("rows.js")
		FILE_OF("detail.js") FILE_OF("input.js") END("map_page_script"));
