// SPDX-License-Identifier: GPL-2.0-only
#include "base/progress.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/size.h"
#include "base/types.h"

#define PATIENCE_NS (500 * NS_PER_MS)
#define REDRAW_NS   (200 * NS_PER_MS)
/* Of a new rate in the one that is told. */
#define RATE_PART   0.2
#define LINE_BYTES  256
#define WIDTH_USUAL 80

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

void progress_catch(void)
{
	const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND }, old;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
}

bool progress_interrupted(void)
{
	return interrupted;
}

void progress_begin(struct progress *p, const char *what)
{
	const char *term = getenv("TERM");

	*p = (struct progress){ .what = what, .begin_ns = clock_ns() };
	p->on = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	p->seen_ns = p->begin_ns;
}

/* In one write, and none to a terminal that is held: what is done does not wait for it. */
static bool put_line(struct progress *p, const char *text, int width)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	char line[LINE_BYTES + 16];
	int n = snprintf(line, sizeof(line), "\r%.*s\033[K", width, text);

	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT) ||
	    write(STDERR_FILENO, line, (size_t)n) != n)
		return false;
	p->shown = true;
	log_over_line(true);
	return true;
}

/* What would wrap could not be overwritten. */
static void put(struct progress *p, const char *text)
{
	struct winsize size;
	int width = WIDTH_USUAL;

	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		width = size.ws_col;
	put_line(p, text, width - 1);
}

static void put_left(double seconds, char *text, size_t size)
{
	uint64_t s = (uint64_t)(seconds + 0.5);

	if (s >= 3600)
		snprintf(text, size, "%llu:%02u:%02u", (unsigned long long)s / 3600,
			 (unsigned int)(s / 60 % 60), (unsigned int)(s % 60));
	else
		snprintf(text, size, "%u:%02u", (unsigned int)(s / 60), (unsigned int)(s % 60));
}

void progress_format(const struct progress *p, uint64_t done_bytes, uint64_t total_bytes,
		     char *text, size_t size)
{
	char done[SIZE_TEXT_BYTES], total[SIZE_TEXT_BYTES], rate[SIZE_TEXT_BYTES], left[32];
	double percent = total_bytes ? 100 * (double)done_bytes / (double)total_bytes : 100;

	size_format(done_bytes, done, sizeof(done));
	size_format(total_bytes, total, sizeof(total));
	size_format((uint64_t)p->rate, rate, sizeof(rate));
	/* 100 is for what is over. */
	if (done_bytes < total_bytes)
		percent = min_t(double, percent, 99);
	if (p->rate < 1) {
		snprintf(text, size, "%s: %s of %s, %.0f%%", p->what, done, total, percent);
		return;
	}
	put_left((double)(total_bytes - done_bytes) / p->rate, left, sizeof(left));
	snprintf(text, size, "%s: %s of %s, %.0f%%, %s/s, %s left", p->what, done, total, percent,
		 rate, left);
}

/* It may fall: what is taken out meanwhile is to come in again. */
static void learn_rate(struct progress *p, uint64_t done_bytes, uint64_t now_ns)
{
	double seconds = (double)(now_ns - p->seen_ns) / NS_PER_S;
	double rate =
		done_bytes > p->seen_bytes ? (double)(done_bytes - p->seen_bytes) / seconds : 0;

	p->rate = p->rate > 0 ? p->rate + RATE_PART * (rate - p->rate) : rate;
	p->seen_ns = now_ns;
	p->seen_bytes = done_bytes;
}

void progress_show(struct progress *p, uint64_t done_bytes, uint64_t total_bytes)
{
	uint64_t now_ns = clock_ns();
	char text[LINE_BYTES];

	if (!p->on || now_ns - p->seen_ns < REDRAW_NS)
		return;
	done_bytes = min_t(uint64_t, done_bytes, total_bytes);
	learn_rate(p, done_bytes, now_ns);
	if (now_ns - p->begin_ns < PATIENCE_NS)
		return;
	progress_format(p, done_bytes, total_bytes, text, sizeof(text));
	put(p, text);
}

void progress_text(struct progress *p, const char *text)
{
	if (p->on && text[0])
		put(p, text);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		put_line(p, "", 0);
	p->shown = false;
	log_over_line(false);
}
