// SPDX-License-Identifier: GPL-2.0-only
/*
 * pattern: threads walk memory in a known pattern, check each page that they touch, and say how long each access
 * took, as JSON on standard output.  All of the memory is filled first, then the pattern runs once over as many
 * pages without being measured, then for a fixed time; then every word is looked at.  With --hold it says "filled",
 * waits for a line on its standard input before it goes on, and at its end for another, so that somebody may look at
 * it then.  Exits 1 if a word was not what had last been written.
 *
 * A page holds its number, a version that counts its writes, and words that follow from its number.  The versions
 * that are expected are kept beside, 4 bytes for each page.  A page is written by one thread only.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "latency.h"
#include "zipf.h"

#define PAGE_BYTES  4096u
#define PAGE_WORDS  512u
#define THREADS_MAX 256
#define STRIDE	    17
#define ZIPF_THETA  0.99
enum {
	WORD_NUMBER,
	WORD_VERSION,
	WORD_FILL
};

enum kind {
	RANDOM,
	SEQUENTIAL,
	BACKWARD,
	TWO_STREAMS,
	STRIDED,
	ZIPF
};

static const struct pattern {
	const char *name;
	enum kind kind;
	bool writes;
} patterns[] = {
	{ "random-read", RANDOM, false },
	{ "random-write", RANDOM, true },
	{ "sequential-read", SEQUENTIAL, false },
	{ "sequential-write", SEQUENTIAL, true },
	{ "backward-read", BACKWARD, false },
	{ "two-streams-read", TWO_STREAMS, false },
	{ "stride17-read", STRIDED, false },
	{ "zipf-read", ZIPF, false },
	{ "zipf-write", ZIPF, true },
};

struct walker {
	pthread_t thread;
	uint64_t number;
	uint64_t random;
	uint64_t first, nr; /* its part of the pages, where it goes through them in order */
	uint64_t step;
	uint64_t accesses, wrong;
	uint64_t begin_ns, end_ns;
	struct latency latency;
};

static struct {
	const struct pattern *pattern;
	uint64_t nr_pages;
	uint64_t nr_threads;
	uint64_t seconds_ns;
	uint64_t seed;
	bool compressible;
	bool hold;
} opt = { .pattern = &patterns[0],
	  .nr_pages = 16384,
	  .nr_threads = 1,
	  .seconds_ns = 5000000000u,
	  .seed = 1,
	  .compressible = true };

static uint64_t *memory;
static uint32_t *versions;
static struct zipf zipf;
static struct scatter scatter;
static pthread_barrier_t barrier;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t random_next(struct walker *w)
{
	return mix(w->random++);
}

/* Compressible is what heaps hold: addresses near each other, and small numbers. */
static uint64_t fill_word(uint64_t page, uint64_t word)
{
	uint64_t x = mix((opt.seed << 48) ^ (page << 9) ^ word);

	if (!opt.compressible)
		return x;
	return word % 2 ? x & 0xff : 0x00007f0000000000u + (page << 12) + (x & 0xff8);
}

static uint64_t number_word(uint64_t page)
{
	return page ^ opt.seed << 40;
}

static void page_fill(uint64_t page)
{
	uint64_t *p = memory + page * PAGE_WORDS;

	for (uint64_t word = WORD_FILL; word < PAGE_WORDS; word++)
		p[word] = fill_word(page, word);
	p[WORD_NUMBER] = number_word(page);
	p[WORD_VERSION] = versions[page];
}

/* Number, version, and one more word. */
static uint64_t page_check(uint64_t page, uint64_t word)
{
	const volatile uint64_t *p = memory + page * PAGE_WORDS;

	uint64_t wrong = 0;

	wrong += p[WORD_NUMBER] != number_word(page);
	wrong += p[WORD_VERSION] != versions[page];
	wrong += p[word] != fill_word(page, word);
	return wrong;
}

static uint64_t page_check_all(uint64_t page)
{
	uint64_t wrong = page_check(page, WORD_FILL);

	for (uint64_t word = WORD_FILL + 1; word < PAGE_WORDS; word++)
		wrong += memory[page * PAGE_WORDS + word] != fill_word(page, word);
	return wrong;
}

static uint64_t page_access(uint64_t page, uint64_t random)
{
	uint64_t wrong = page_check(page, WORD_FILL + random % (PAGE_WORDS - WORD_FILL));

	if (opt.pattern->writes)
		memory[page * PAGE_WORDS + WORD_VERSION] = ++versions[page];
	return wrong;
}

static uint64_t page_next(struct walker *w, uint64_t random)
{
	uint64_t step = w->step++;
	uint64_t half = w->nr / 2;
	uint64_t page;

	switch (opt.pattern->kind) {
	case SEQUENTIAL:
		return w->first + step % w->nr;
	case BACKWARD:
		return w->first + w->nr - 1 - step % w->nr;
	case TWO_STREAMS:
		return w->first + step % 2 * half + step / 2 % half;
	case STRIDED: /* each round begins one page further */
		step %= w->nr / STRIDE * STRIDE;
		return w->first + step * STRIDE % (w->nr / STRIDE * STRIDE) +
		       step * STRIDE / (w->nr / STRIDE * STRIDE);
	case ZIPF:
		page = scatter_rank(&scatter, zipf_next(&zipf, random));
		break;
	default:
		page = random % opt.nr_pages;
	}
	if (!opt.pattern->writes)
		return page;
	page = page / opt.nr_threads * opt.nr_threads + w->number;
	return page < opt.nr_pages ? page : w->number;
}

static void *walk(void *arg)
{
	struct walker *w = arg;
	uint64_t now, end_ns;

	/* As many as all pages, but no longer than it is then measured. */
	end_ns = now_ns() + opt.seconds_ns;
	for (uint64_t i = 0; i < w->nr && now_ns() < end_ns; i++) {
		uint64_t random = random_next(w);

		w->wrong += page_access(page_next(w, random), random >> 32);
	}
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	w->begin_ns = now = now_ns();
	end_ns = now + opt.seconds_ns;
	while (now < end_ns) {
		uint64_t random = random_next(w);
		uint64_t page = page_next(w, random);
		uint64_t before = now_ns();

		w->wrong += page_access(page, random >> 32);
		now = now_ns();
		latency_add(&w->latency, now - before);
		w->accesses++;
	}
	w->end_ns = now;
	return NULL;
}

static double cpu_seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

static void report(const struct walker *walkers, const struct rusage *before,
		   const struct rusage *after, uint64_t wrong)
{
	static struct latency all;
	uint64_t accesses = 0;
	double seconds = 0;

	for (uint64_t t = 0; t < opt.nr_threads; t++) {
		const struct walker *w = &walkers[t];

		accesses += w->accesses;
		seconds += (double)(w->end_ns - w->begin_ns) / 1e9 / (double)opt.nr_threads;
		latency_merge(&all, &w->latency);
	}
	printf("{\"pattern\": \"%s\", \"threads\": %" PRIu64 ", \"size_bytes\": %" PRIu64
	       ", \"data\": \"%s\",\n",
	       opt.pattern->name, opt.nr_threads, opt.nr_pages * PAGE_BYTES,
	       opt.compressible ? "compressible" : "incompressible");
	printf(" \"seed\": %" PRIu64 ", \"accesses\": %" PRIu64
	       ", \"seconds\": %.6f, \"words_wrong\": %" PRIu64 ",\n",
	       opt.seed, accesses, seconds, wrong);
	printf(" \"pages_checked\": %" PRIu64
	       ", \"user_s\": %.6f, \"system_s\": %.6f, \"major_faults\": %ld,\n",
	       accesses + opt.nr_pages,
	       cpu_seconds(&after->ru_utime) - cpu_seconds(&before->ru_utime),
	       cpu_seconds(&after->ru_stime) - cpu_seconds(&before->ru_stime),
	       after->ru_majflt - before->ru_majflt);
	printf(" \"latency_ns\": {\"p50\": %" PRIu64 ", \"p99\": %" PRIu64 ", \"max\": %" PRIu64
	       "},\n",
	       latency_percentile_ns(&all, accesses, 0.50),
	       latency_percentile_ns(&all, accesses, 0.99), all.max_ns);
	printf(" \"latency_ns_log2\": [");
	for (unsigned int log2 = 0; log2 < LOG2_MAX; log2++)
		printf("%s%" PRIu64, log2 ? ", " : "", latency_log2(&all, log2));
	printf("]}\n\n");
	fflush(stdout);
}

static void hold(void)
{
	char c;

	while (opt.hold && read(STDIN_FILENO, &c, 1) > 0 && c != '\n')
		;
}

/* Fills, walks, looks at everything; how many words were wrong. */
static uint64_t run(struct walker *walkers)
{
	struct rusage before, after;
	uint64_t wrong = 0;

	for (uint64_t page = 0; page < opt.nr_pages; page++)
		page_fill(page);
	if (opt.hold) {
		puts("filled");
		fflush(stdout);
	}
	hold();
	pthread_barrier_init(&barrier, NULL, (unsigned int)opt.nr_threads + 1);
	for (uint64_t t = 0; t < opt.nr_threads; t++) {
		struct walker *w = &walkers[t];

		w->number = t;
		w->random = mix(opt.seed << 16 ^ t);
		w->first = opt.nr_pages * t / opt.nr_threads;
		w->nr = opt.nr_pages * (t + 1) / opt.nr_threads - w->first;
		errno = pthread_create(&w->thread, NULL, walk, w);
		if (errno) {
			perror("pattern: thread");
			exit(2);
		}
	}
	pthread_barrier_wait(&barrier);
	getrusage(RUSAGE_SELF, &before);
	pthread_barrier_wait(&barrier);
	for (uint64_t t = 0; t < opt.nr_threads; t++)
		pthread_join(walkers[t].thread, NULL);
	getrusage(RUSAGE_SELF, &after);
	for (uint64_t page = 0; page < opt.nr_pages; page++)
		wrong += page_check_all(page);
	for (uint64_t t = 0; t < opt.nr_threads; t++)
		wrong += walkers[t].wrong;
	report(walkers, &before, &after, wrong);
	return wrong;
}

static const struct pattern *pattern_find(const char *name)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (!strcmp(patterns[i].name, name))
			return &patterns[i];
	fprintf(stderr, "pattern: there is no pattern %s; there are", name);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		fprintf(stderr, " %s", patterns[i].name);
	fprintf(stderr, "\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pattern", required_argument, NULL, 'p' },
		{ "bytes", required_argument, NULL, 'b' },
		{ "threads", required_argument, NULL, 't' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'r' },
		{ "incompressible", no_argument, NULL, 'i' },
		{ "hold", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p')
			opt.pattern = pattern_find(optarg);
		else if (c == 'b')
			opt.nr_pages = strtoull(optarg, NULL, 10) / PAGE_BYTES;
		else if (c == 't')
			opt.nr_threads = strtoull(optarg, NULL, 10);
		else if (c == 's')
			opt.seconds_ns = (uint64_t)(strtod(optarg, NULL) * 1e9);
		else if (c == 'r')
			opt.seed = strtoull(optarg, NULL, 10) & 0xffff;
		else if (c == 'i')
			opt.compressible = false;
		else if (c == 'h')
			opt.hold = true;
		else
			exit(2);
	}
	/* A part of each thread holds a stride and two streams. */
	if (optind < argc || !opt.nr_threads || opt.nr_threads > THREADS_MAX ||
	    opt.nr_pages < opt.nr_threads * STRIDE || opt.nr_pages > UINT32_MAX) {
		fprintf(stderr,
			"usage: pattern --pattern NAME --bytes N --threads N --seconds N [--seed N]"
			" [--incompressible] [--hold]\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct walker *walkers;
	uint64_t wrong;

	parse(argc, argv);
	memory = mmap(NULL, opt.nr_pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	versions = calloc(opt.nr_pages, sizeof(*versions));
	walkers = calloc(opt.nr_threads, sizeof(*walkers));
	if (memory == MAP_FAILED || !versions || !walkers) {
		perror("pattern: memory");
		return 2;
	}
	if (opt.pattern->kind == ZIPF) {
		zipf_init(&zipf, opt.nr_pages, ZIPF_THETA);
		scatter_init(&scatter, opt.nr_pages, opt.seed);
	}
	wrong = run(walkers);
	hold();
	return wrong != 0;
}
