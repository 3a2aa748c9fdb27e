// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/html.h"

#include <sys/utsname.h>
#include <time.h>

#include "base/size.h"
#include "cli/map/model.h"
#include "cli/map/page.h"
#include "cli/map/xml.h"

/* The colours are those of the map's page. */
extern const char tour_page_style[];
__asm__(".pushsection .rodata\n.global tour_page_style\n.type tour_page_style, @object\n"
	"tour_page_style:\n.incbin \"daemon/cli/tour/tour.css\"\n.byte 0\n"
	".size tour_page_style, . - tour_page_style\n.popsection\n");

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	"style-src 'unsafe-inline'\">\n"
	"<title>Virtual memory on live processes - upager tour</title>\n<style>\n";

static const char intro[] = "</style>\n</head>\n<body class=\"tour\">\n<header>\n"
			    "<h1>Virtual memory on live processes</h1>\n";

static void put_machine(FILE *f)
{
	struct utsname machine;
	time_t now = time(NULL);
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm);
	fputs("<p class=\"quiet\">Every number was measured while this page was written: ", f);
	fprintf(f, "%s UTC, ", date);
	if (!uname(&machine)) {
		map_xml_text(f, machine.sysname);
		putc(' ', f);
		map_xml_text(f, machine.release);
	}
	fputs(". <code>upager tour</code> measures them again.</p>\n", f);
}

void tour_html_begin(FILE *f, const struct tour_step *const *steps, uint32_t nr_steps)
{
	fputs(head, f);
	fputs(map_page_style, f);
	fputs(tour_page_style, f);
	fputs(intro, f);
	put_machine(f);
	fputs("<nav><ol>\n", f);
	for (uint32_t i = 0; i < nr_steps; i++)
		fprintf(f, "<li><a href=\"#%s\">%s</a></li>\n", steps[i]->name, steps[i]->title);
	fputs("</ol></nav>\n</header>\n", f);
}

void tour_html_end(FILE *f)
{
	fputs("</body>\n</html>\n", f);
}

static void put_element(FILE *f, const char *tag, const char *text)
{
	fprintf(f, "<%s>", tag);
	map_xml_text(f, text);
	fprintf(f, "</%s>", tag);
}

static void put_table(FILE *f, const struct tour_item *item)
{
	fputs("<tr><th>", f);
	map_xml_text(f, item->text);
	fputs("</th>", f);
	for (uint32_t i = 0; i < item->nr; i++)
		put_element(f, "th", item->heading[i]);
	fputs("<th class=\"bars\"></th></tr>\n", f);
}

static void put_row(FILE *f, const struct tour_page *p, uint32_t row)
{
	const struct tour_item *item = &p->item[row];
	char text[64];

	fputs("<tr>", f);
	put_element(f, "td", item->text);
	for (uint32_t i = 0; i < item->nr; i++) {
		tour_format(&item->value[i], text, sizeof(text));
		put_element(f, "td", text);
	}
	if (item->bar < item->nr)
		fprintf(f, "<td class=\"bars\"><i style=\"width:%.1f%%\"></i></td>",
			100 * tour_bar_part(p, row));
	fputs("</tr>\n", f);
}

static void put_strip(FILE *f, const struct tour_item *item)
{
	char resident[SIZE_TEXT_BYTES];

	size_format(item->strip.resident_bytes, resident, sizeof(resident));
	fputs("<div class=\"picture\">", f);
	put_element(f, "span", item->text);
	put_element(f, "b", resident);
	fputs("<div class=\"parts\">", f);
	for (uint32_t i = 0; i < item->strip.nr_parts; i++)
		fprintf(f, "<i class=\"%s%s\" style=\"--k:var(--%s)\" title=\"%s\"></i>",
			map_state_key(item->strip.part[i].state),
			item->strip.part[i].little ? " little" : "",
			map_kind_key(item->strip.part[i].kind),
			map_state_name(item->strip.part[i].state));
	fputs("</div></div>\n", f);
}

static void put_legend(FILE *f, const struct tour_page *p, uint32_t last)
{
	const struct tour_item *item = &p->item[last];
	bool seen[MAP_STATES] = { false };

	for (uint32_t i = last + 1; i && p->item[i - 1].kind == TOUR_STRIP; i--)
		for (uint32_t k = 0; k < p->item[i - 1].strip.nr_parts; k++)
			seen[p->item[i - 1].strip.part[k].state] = true;
	fputs("<p class=\"quiet signs\">", f);
	for (int s = 0; s < MAP_STATES; s++)
		if (seen[s])
			fprintf(f, "<span><i class=\"%s\" style=\"--k:var(--%s)\"></i>%s</span> ",
				map_state_key((enum map_state)s),
				map_kind_key(item->strip.part[0].kind),
				map_state_name((enum map_state)s));
	fputs("</p>\n", f);
}

/* Rows stand in a table, commands in a block. */
static void put_around(FILE *f, const struct tour_page *p, uint32_t i, bool begins)
{
	enum tour_kind kind = p->item[i].kind;

	switch (kind) {
	case TOUR_TABLE:
	case TOUR_ROW:
		fputs(begins ? "<table>\n" : "</table>\n", f);
		break;
	case TOUR_COMMAND:
		fputs(begins ? "<p>By hand:</p>\n<pre>" : "</pre>\n", f);
		break;
	case TOUR_STRIP:
		if (!begins)
			put_legend(f, p, i);
		break;
	case TOUR_TEXT:
	case TOUR_MORE:
		break;
	}
}

static void put_item(FILE *f, const struct tour_page *p, uint32_t i)
{
	const struct tour_item *item = &p->item[i];

	switch (item->kind) {
	case TOUR_TEXT:
		put_element(f, "p", item->text);
		break;
	case TOUR_TABLE:
		put_table(f, item);
		break;
	case TOUR_ROW:
		put_row(f, p, i);
		break;
	case TOUR_STRIP:
		put_strip(f, item);
		break;
	case TOUR_COMMAND:
		map_xml_text(f, item->text);
		break;
	case TOUR_MORE:
		fputs("<p class=\"more\">", f);
		map_xml_text(f, item->text);
		fputs("</p>", f);
	}
	putc('\n', f);
}

void tour_html_step(FILE *f, const struct tour_page *p)
{
	fprintf(f, "<section id=\"%s\">\n", p->name);
	put_element(f, "h2", p->title);
	for (uint32_t i = 0; i < p->nr_items; i++) {
		enum tour_kind kind = p->item[i].kind;
		bool row = i && p->item[i - 1].kind == TOUR_TABLE && kind == TOUR_ROW;

		if (!row && (!i || p->item[i - 1].kind != kind || kind == TOUR_TABLE))
			put_around(f, p, i, true);
		put_item(f, p, i);
		if (kind == TOUR_TABLE && i + 1 < p->nr_items && p->item[i + 1].kind == TOUR_ROW)
			continue;
		if (i + 1 == p->nr_items || p->item[i + 1].kind != kind)
			put_around(f, p, i, false);
	}
	if (p->skipped) {
		fputs("<p class=\"more\">Not measured: ", f);
		map_xml_text(f, p->skipped);
		fputs("</p>\n", f);
	}
	fputs("</section>\n", f);
}
