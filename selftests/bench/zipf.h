// SPDX-License-Identifier: GPL-2.0-only
/* Random numbers of the pattern program: the same from the same seed, and of Zipf's distribution. */
#ifndef BENCH_ZIPF_H
#define BENCH_ZIPF_H

#include <math.h>
#include <stdint.h>

/* Steele, Lea and Flood's splitmix64: a bijection of the state. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* Gray et al., Quickly Generating Billion-Record Synthetic Databases, SIGMOD 1994. */
struct zipf {
	double n, theta, alpha, zeta_n, eta, half;
};

static void zipf_init(struct zipf *z, uint64_t n, double theta)
{
	double zeta_2 = 1 + pow(0.5, theta);

	z->n = (double)n;
	z->theta = theta;
	z->alpha = 1 / (1 - theta);
	z->half = 1 + pow(0.5, theta);
	z->zeta_n = 0;
	for (uint64_t i = 1; i <= n; i++)
		z->zeta_n += pow(1 / (double)i, theta);
	z->eta = (1 - pow(2 / z->n, 1 - theta)) / (1 - zeta_2 / z->zeta_n);
}

static uint64_t zipf_next(const struct zipf *z, uint64_t random)
{
	double u = (double)(random >> 11) * 0x1p-53;
	double uz = u * z->zeta_n;
	uint64_t rank;

	if (uz < 1)
		return 0;
	if (uz < z->half)
		return 1;
	rank = (uint64_t)(z->n * pow(z->eta * u - z->eta + 1, z->alpha));
	return rank < (uint64_t)z->n ? rank : (uint64_t)z->n - 1;
}

/* A permutation of nr things, so that those of near ranks are far from each other; needs no table. */
struct scatter {
	uint64_t nr, seed;
	unsigned int bits;
};

static void scatter_init(struct scatter *s, uint64_t nr, uint64_t seed)
{
	s->nr = nr;
	s->seed = seed;
	s->bits = 0;
	while (1ull << s->bits < nr)
		s->bits++;
}

static uint64_t scatter_rank(const struct scatter *s, uint64_t rank)
{
	const uint64_t mask = (1ull << s->bits) - 1;
	uint64_t x = rank;

	do {
		for (int round = 0; round < 3; round++) {
			x = (x * 0x9e3779b97f4a7c15u + s->seed) & mask;
			x ^= x >> (s->bits / 2 + 1);
		}
	} while (x >= s->nr);
	return x;
}

#endif
