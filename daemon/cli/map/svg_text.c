// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/svg_text.h"

#include <string.h>

#include "cli/map/xml.h"

/* As in page/frame.css: colour is in memory, ink is out of it, pale was never touched. */
static const struct {
	const char *light;
	const char *dark;
} colours[MAP_KINDS] = {
	[MAP_PROGRAM] = { "#0b62a4", "#3c8dd4" },	[MAP_LIBRARY] = { "#56a8dc", "#8ccaf3" },
	[MAP_HEAP] = { "#d1560b", "#ee7d3a" },		[MAP_ANONYMOUS] = { "#e6a117", "#f1bd4d" },
	[MAP_STACK] = { "#0a9a72", "#31bd93" },		[MAP_FILE] = { "#bd6a9f", "#d98fc2" },
	[MAP_SHARED_MEMORY] = { "#7a55a8", "#a987d4" }, [MAP_KERNEL] = { "#8b93a0", "#8f98a6" },
	[MAP_GUARD] = { "#c3c9d2", "#4b5564" },		[MAP_PAGER] = { "#4a5463", "#b9c2cf" },
};

static const char *const styles[__SVG_STYLES] = {
	[SVG_NAME] = "name",   [SVG_TITLE] = "title",
	[SVG_SOFT] = "soft",   [SVG_SOFT_RIGHT] = "soft right",
	[SVG_RIGHT] = "right", [SVG_ADDRESS] = "address",
};

static const char style_sheet[] =
	"text{font:12px 'DejaVu Sans',system-ui,sans-serif;fill:#1c2430}"
	".name{font-size:20px;font-weight:600}.title{font-weight:600}"
	".right,.address{text-anchor:end}.soft,.address{fill:#5b6675}"
	".address{font:11px 'DejaVu Sans Mono',monospace}"
	".paper{fill:#fff}.ink{fill:#1c2430}.line{stroke:#1c2430;stroke-width:2}"
	".gap{stroke:#fff;stroke-width:2}.hole{stroke:#9aa4b2;stroke-width:2;stroke-dasharray:1 5;"
	"stroke-linecap:round}.track{fill:#f0f2f5}.dot{fill:#5b6675}";

static const char dark_sheet[] =
	"text{fill:#e6eaf0}.soft,.address{fill:#98a3b3}.paper{fill:#12161c}.ink{fill:#e6eaf0}"
	".line{stroke:#e6eaf0}.gap{stroke:#12161c}.hole{stroke:#5b6675}.track{fill:#1a2029}.dot{"
	"fill:#98a3b3}";

static const char patterns[] =
	"<defs><pattern id=\"forked\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
	"patternTransform=\"rotate(45)\"><path class=\"gap\" d=\"M1 0v5\"/></pattern>"
	"<pattern id=\"standby\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">"
	"<path class=\"line\" d=\"M1 0v5\"/></pattern>"
	"<pattern id=\"kernel\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
	"patternTransform=\"rotate(45)\"><path class=\"line\" d=\"M2 0v6\"/></pattern>"
	"<pattern id=\"zero\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">"
	"<circle class=\"dot\" cx=\"2\" cy=\"2\" r=\"1\"/></pattern></defs>\n";

void svg_begin(FILE *f, double height)
{
	fprintf(f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
		"style=\"max-width:100%%;height:auto\" "
		"viewBox=\"0 0 %d %.0f\">\n<!-- made by upager map -->\n<style>%s",
		SVG_WIDTH, height, SVG_WIDTH, height, style_sheet);
	for (int kind = 0; kind < MAP_KINDS; kind++)
		fprintf(f, ".%s{fill:%s}", map_kind_key((enum map_kind)kind), colours[kind].light);
	fprintf(f, "@media(prefers-color-scheme:dark){%s", dark_sheet);
	for (int kind = 0; kind < MAP_KINDS; kind++)
		fprintf(f, ".%s{fill:%s}", map_kind_key((enum map_kind)kind), colours[kind].dark);
	fprintf(f, "}</style>\n%s<rect class=\"paper\" width=\"%d\" height=\"%.0f\"/>\n", patterns,
		SVG_WIDTH, height);
}

/* Whether a byte begins a character. */
static bool begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static void put_shortened(FILE *f, const char *text, size_t max)
{
	char head[512];
	size_t keep = max - max / 3 - 1, length = strlen(text);
	const char *tail = text + length - max / 3;

	while (keep && !begins(text[keep]))
		keep--;
	while (*tail && !begins(*tail))
		tail++;
	snprintf(head, sizeof(head), "%.*s", (int)keep, text);
	map_xml_text(f, head);
	fputs("\xe2\x80\xa6", f);
	map_xml_text(f, tail);
}

void svg_text(FILE *f, enum svg_style style, double x, double y, size_t max, const char *text)
{
	fprintf(f, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", styles[style], x, y);
	if (strlen(text) > max)
		put_shortened(f, text, max);
	else
		map_xml_text(f, text);
	fputs("</text>\n", f);
}

static void put_rect(FILE *f, const char *attribute, const char *value, double opacity, double x,
		     double y, double width, double height)
{
	fprintf(f, "<rect %s=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
		attribute, value, x, y, width, height);
	if (opacity < 1)
		fprintf(f, " opacity=\"%.2f\"", opacity);
	fputs("/>\n", f);
}

void svg_kind(FILE *f, enum map_kind kind, double x, double y, double width, double height)
{
	put_rect(f, "class", map_kind_key(kind), 1, x, y, width, height);
}

void svg_state(FILE *f, enum map_kind kind, enum map_state state, double x, double y, double width,
	       double height)
{
	static const double opacity[MAP_STATES] = {
		[MAP_PRIVATE] = 1, [MAP_FORKED] = 1,	[MAP_SHARED] = 0.52,	[MAP_ZERO] = 0.22,
		[MAP_STANDBY] = 1, [MAP_MARKED] = 0.22, [MAP_UNTOUCHED] = 0.14,
	};
	static const char *const pattern[MAP_STATES] = {
		[MAP_FORKED] = "url(#forked)",	 [MAP_ZERO] = "url(#zero)",
		[MAP_STANDBY] = "url(#standby)", [MAP_KERNEL_SWAPPED] = "url(#kernel)",
		[MAP_MARKED] = "url(#kernel)",
	};

	if (state == MAP_SWAPPED)
		put_rect(f, "class", "ink", 1, x, y, width, height);
	else if (opacity[state] > 0)
		put_rect(f, "class", map_kind_key(kind), opacity[state], x, y, width, height);
	if (pattern[state])
		put_rect(f, "fill", pattern[state], 1, x, y, width, height);
}
