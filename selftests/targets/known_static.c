// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program with known contents, statically linked: known_static MIB ROUNDS
 * fills that much memory, then reads all of it ROUNDS times, and on until its
 * standard input ends, every second time in scattered order, and rewrites a word
 * of each page as it goes.  Exits 0 if every word was what it had last written.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE_WORDS 512
#define SCATTER	   7919 /* prime, so that every page is met once */

static uint64_t word_of(uint64_t page, uint64_t word, uint64_t round)
{
	return page * 1000003 + word * 7 + (word == 1 ? round : 0);
}

static uint64_t check_page(const uint64_t *p, uint64_t page, uint64_t round)
{
	uint64_t wrong = 0;

	for (uint64_t w = 0; w < PAGE_WORDS; w++)
		wrong += p[page * PAGE_WORDS + w] != word_of(page, w, round);
	return wrong;
}

static int input_ended(void)
{
	struct pollfd pfd = { .fd = 0, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

int main(int argc, char **argv)
{
	uint64_t nr_pages = argc > 2 ? strtoull(argv[1], NULL, 10) << 8 : 0;
	uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t wrong = 0;
	uint64_t *p;

	if (!nr_pages) {
		fprintf(stderr, "known_static: give MIB and ROUNDS\n");
		return 2;
	}
	p = mmap(NULL, nr_pages << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 2;
	for (uint64_t page = 0; page < nr_pages; page++)
		for (uint64_t w = 0; w < PAGE_WORDS; w++)
			p[page * PAGE_WORDS + w] = word_of(page, w, 0);
	for (uint64_t round = 0; round < rounds || !input_ended(); round++)
		for (uint64_t n = 0; n < nr_pages; n++) {
			uint64_t page = round % 2 ? n * SCATTER % nr_pages : n;

			wrong += check_page(p, page, round);
			p[page * PAGE_WORDS + 1] = word_of(page, 1, round + 1);
		}
	printf("%llu words wrong\n", (unsigned long long)wrong);
	return wrong != 0;
}
