// SPDX-License-Identifier: GPL-2.0-only
#include "base/size.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char units[] = "BKMGT";

#define UNIT_MAX	(sizeof(units) - 2)
#define FRACTION_DIGITS 9

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The shift of a unit letter in either case, -1 if it is none. */
static int unit_shift(char c)
{
	const char *unit = c ? strchr(units, c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) : NULL;

	return unit ? (int)(unit - units) * 10 : -1;
}

int size_parse(const char *text, uint64_t *bytes)
{
	uint64_t whole = 0, fraction = 0, scale = 1, value;
	bool has_fraction = false;
	int shift = 0;

	if (!is_digit(*text))
		return -EINVAL;
	for (; is_digit(*text); text++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*text - '0'), &whole))
			return -ERANGE;
	if (*text == '.') {
		has_fraction = true;
		if (!is_digit(*++text))
			return -EINVAL;
		for (int n = 0; is_digit(*text); text++, n++) {
			if (n == FRACTION_DIGITS)
				return -EINVAL;
			fraction = fraction * 10 + (uint64_t)(*text - '0');
			scale *= 10;
		}
	}
	if (*text) {
		shift = unit_shift(*text);
		if (shift < 0 || text[1])
			return -EINVAL;
	}
	if (has_fraction && !shift)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, 1ULL << shift, &value))
		return -ERANGE;
	/* Below 10^9 * 2^40, so only the sum can overflow. */
	if (__builtin_add_overflow(value, (uint64_t)((__uint128_t)fraction << shift) / scale,
				   &value))
		return -ERANGE;
	*bytes = value;
	return 0;
}

void size_format(uint64_t bytes, char *buf, size_t len)
{
	unsigned int unit = 0;
	uint64_t whole, tenths;

	if (bytes < 1024) {
		snprintf(buf, len, "%uB", (unsigned int)bytes);
		return;
	}
	do {
		uint64_t one = 1ULL << (++unit * 10);

		whole = bytes / one;
		tenths = ((bytes % one) * 10 + one / 2) / one;
		if (tenths == 10) {
			whole++;
			tenths = 0;
		}
	} while (whole >= 1024 && unit < UNIT_MAX);
	snprintf(buf, len, "%llu.%llu%c", (unsigned long long)whole, (unsigned long long)tenths,
		 units[unit]);
}
