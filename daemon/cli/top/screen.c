// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top/screen.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/types.h"
#include "cli/message.h"
#include "cli/top/draw.h"
#include "cli/top/keys.h"

/* Behind all else: it defines words like lines. */
#include <term.h>

#define ESCAPE_MS 25 /* within which the rest of a key's sequence comes */

static volatile sig_atomic_t ended_by;

static void on_signal(int sig)
{
	ended_by = sig;
}

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/* No SA_RESTART: it ends what is waited for. */
static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal }, old;

	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		if (!sigaction(ending[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(ending[i], &sa, NULL);
}

/* As one who sent it expects. */
static void die_of_it(void)
{
	signal(ended_by, SIG_DFL);
	raise(ended_by);
}

static SCREEN *begin(void)
{
	const char *term = getenv("TERM");
	SCREEN *screen =
		isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? newterm(term, stdout, stdin) : NULL;

	if (!screen)
		return NULL;
	if (!tigetstr("cup")) { /* it only ever goes on to the right */
		endwin();
		delscreen(screen);
		return NULL;
	}
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	return screen;
}

/* True: the terminal is gone. */
static bool wait_for_key(uint64_t until_ns)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t now_ns = clock_ns();
	uint64_t ms = now_ns < until_ns ? (until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS : 0;

	return poll(&pfd, 1, (int)min_t(uint64_t, ms, INT32_MAX)) == 1 &&
	       pfd.revents & (POLLHUP | POLLERR | POLLNVAL);
}

/* Until it is time for the next look. */
static void interact(struct top_view *v, struct top_sample *s)
{
	uint64_t begin_ns = clock_ns(), until_ns;
	int key;

	v->refresh = false;
	do {
		until_ns = begin_ns + (uint64_t)(v->delay_s * (double)NS_PER_S);
		top_draw(v, s);
		v->quit |= wait_for_key(until_ns);
		while (!v->quit && !v->refresh && (key = getch()) != ERR)
			top_key(v, s, key);
	} while (!v->quit && !v->refresh && !ended_by && clock_ns() < until_ns);
}

int top_screen(struct top_view *v, struct top_sample *s, uint64_t looks)
{
	const char *term = getenv("TERM");
	SCREEN *screen;

	catch_signals();
	screen = begin();
	if (!screen)
		return message_fail(UPAGER_EXIT_FAILED,
				    "no terminal to draw on (TERM is '%s'): use upager top -b",
				    term ? term : "");
	for (uint64_t n = 0; !v->quit && !ended_by && (!looks || n < looks); n++) {
		if (n)
			top_sample_take(s);
		top_view_arrange(v, s);
		interact(v, s);
	}
	endwin();
	delscreen(screen);
	if (ended_by)
		die_of_it();
	return UPAGER_EXIT_OK;
}
