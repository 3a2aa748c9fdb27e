// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/screen.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define WIDTH_MIN     40u
#define WIDTH_MAX     240u
#define WIDTH_DEFAULT 80u

/*
 * Of the 256 colours of terminals those next to Okabe and Ito's, which people with any kind of
 * colour vision tell apart, on dark and on light.
 */
static const int colours[MAP_KINDS] = {
	[MAP_PROGRAM] = 32, /* blue */
	[MAP_LIBRARY] = 74, /* sky blue */
	[MAP_HEAP] = 166, /* vermilion */
	[MAP_ANONYMOUS] = 178, /* orange */
	[MAP_STACK] = 36, /* green */
	[MAP_FILE] = 175, /* purple */
	[MAP_SHARED_MEMORY] = 133, /* dark purple */
	[MAP_KERNEL] = 245,	   [MAP_GUARD] = 242, [MAP_PAGER] = 248,
};

static const char letters[MAP_KINDS] = {
	[MAP_PROGRAM] = 'P', [MAP_LIBRARY] = 'L', [MAP_HEAP] = 'H',	     [MAP_ANONYMOUS] = 'A',
	[MAP_STACK] = 'S',   [MAP_FILE] = 'F',	  [MAP_SHARED_MEMORY] = 'M', [MAP_KERNEL] = 'V',
	[MAP_GUARD] = 'N',   [MAP_PAGER] = 'U',
};

static const struct {
	const char *utf8;
	const char *utf8_little;
	char ascii;
	char ascii_little;
} signs[MAP_STATES] = {
	[MAP_PRIVATE] = { "█", "▄", '#', '-' },	       [MAP_FORKED] = { "▓", "▓", '=', '=' },
	[MAP_SHARED] = { "▒", "▒", '+', '+' },	       [MAP_ZERO] = { "0", "0", '0', '0' },
	[MAP_STANDBY] = { "▚", "▚", '%', '%' },	       [MAP_SWAPPED] = { "s", "s", 's', 's' },
	[MAP_KERNEL_SWAPPED] = { "k", "k", 'k', 'k' }, [MAP_MARKED] = { "x", "x", 'x', 'x' },
	[MAP_UNTOUCHED] = { "·", "·", '.', '.' },
};

void map_term_probe(struct map_term *t)
{
	const char *columns = getenv("COLUMNS"), *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct winsize size = { 0 };
	bool is_terminal = isatty(STDOUT_FILENO);

	t->width = WIDTH_DEFAULT;
	t->height = 0;
	if (is_terminal && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col) {
		t->width = size.ws_col;
		t->height = !term || strcmp(term, "dumb") ? size.ws_row : 0;
	} else if (columns && atoi(columns) > 0)
		t->width = (uint32_t)atoi(columns);
	t->width = min_t(uint32_t, max_t(uint32_t, t->width, WIDTH_MIN), WIDTH_MAX);
	t->colour = is_terminal && (!no_colour || !*no_colour) && (!term || strcmp(term, "dumb"));
	t->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
}

void term_colour(const struct map_term *t, enum map_kind kind, enum map_state state)
{
	if (t->colour)
		printf("\033[0;%s38;5;%dm", state == MAP_UNTOUCHED ? "2;" : "", colours[kind]);
}

void term_dim(const struct map_term *t)
{
	if (t->colour)
		fputs("\033[38;5;245m", stdout);
}

void term_bold(const struct map_term *t)
{
	if (t->colour)
		fputs("\033[1m", stdout);
}

void term_plain(const struct map_term *t)
{
	if (t->colour)
		fputs("\033[0m", stdout);
}

void term_state(const struct map_term *t, enum map_state state, bool little)
{
	if (t->utf8)
		fputs(little ? signs[state].utf8_little : signs[state].utf8, stdout);
	else
		putchar(little ? signs[state].ascii_little : signs[state].ascii);
}

void term_bar(const struct map_term *t, enum map_kind kind)
{
	if (t->colour && t->utf8)
		fputs("█", stdout);
	else
		putchar(letters[kind]);
}

char term_letter(enum map_kind kind)
{
	return letters[kind];
}

/* Columns of a text in the locale; of bytes that are none of its characters, one each. */
static int text_width(const char *text)
{
	size_t room = strlen(text) + 1;
	wchar_t *wide = calloc(room, sizeof(*wide));
	int width = -1;

	if (wide && mbstowcs(wide, text, room) != (size_t)-1)
		width = wcswidth(wide, room);
	free(wide);
	return width >= 0 ? width : (int)strlen(text);
}

void term_fit(const char *text, int width)
{
	int have = text_width(text), keep = width - 1;

	if (have <= width)
		printf("%s%*s", text, width - have, "");
	else if (have == (int)strlen(text))
		printf("%.*s~%s", keep - keep / 3, text, text + have - keep / 3);
	else /* to cut characters of several bytes takes more care than a name deserves */
		printf("%-*s", width, "?");
}

static void print_wrapped(const struct map_term *t, const char *text)
{
	uint32_t column = 0;

	while (*text) {
		uint32_t word = (uint32_t)strcspn(text, " ");

		if (column && column + 1 + word > t->width) {
			putchar('\n');
			column = 0;
		}
		column += (uint32_t)printf("%s%.*s", column ? " " : "", (int)word, text);
		text += word;
		text += strspn(text, " ");
	}
	if (column)
		putchar('\n');
}

void term_legend(const struct map_term *t, const struct map *m)
{
	char missing[256];
	uint32_t column = 0;
	struct map_sum sum;

	map_sum_all(m, &sum);
	term_dim(t);
	for (int s = 0; s < MAP_STATES; s++) {
		const char *name = map_state_name((enum map_state)s);
		uint32_t width = (uint32_t)strlen(name) + 2;

		if (!sum.pages[s])
			continue;
		if (column && column + 3 + width > t->width) {
			putchar('\n');
			column = 0;
		}
		column += (uint32_t)printf("%s", column ? "   " : "") + width;
		term_state(t, (enum map_state)s, false);
		printf(" %s", name);
	}
	putchar('\n');
	map_missing(m, missing, sizeof(missing));
	print_wrapped(t, missing);
	term_plain(t);
}
