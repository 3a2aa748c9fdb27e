// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"

#define KIB   1024ULL
#define NR(a) (sizeof(a) / sizeof((a)[0]))

static void test_parse_valid(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "4096", 4096 },
		{ "0064K", 64 * KIB },
		{ "512B", 512 },
		{ "1k", KIB },
		{ "64M", 64 * KIB * KIB },
		{ "64m", 64 * KIB * KIB },
		{ "3G", 3 * KIB * KIB * KIB },
		{ "2T", 2 * KIB * KIB * KIB * KIB },
		{ "1.5G", 3 * KIB * KIB * KIB / 2 },
		{ "0.5K", 512 },
		{ "64.0M", 64 * KIB * KIB },
		{ "0.000000001T", 1099 },
		{ "18446744073709551615", UINT64_MAX },
		{ "16777215T", 16777215 * KIB * KIB * KIB * KIB },
	};

	(void)state;
	for (size_t i = 0; i < NR(cases); i++) {
		uint64_t bytes = 77;

		assert_int_equal(size_parse(cases[i].text, &bytes), 0);
		assert_int_equal(bytes, cases[i].bytes);
	}
}

static void test_parse_invalid(void **state)
{
	static const char *const not_sizes[] = {
		"",    " 1", "1 ",   "-1",   "+1",  "K",   "M1",  "1KB",	   "1KiB",
		"1E",  "1P", "0x10", "1..5", ".5K", "1.K", "1.5", "1.0000000001G", "1,5G",
		"1K2", "١K", "1K ",  "nan",  "1e3", "1.B", "K.5",
	};
	static const char *const too_large[] = {
		"18446744073709551616",
		"99999999999999999999",
		"16777216T",
		"16777215.999999999T1",
	};
	uint64_t bytes = 77;

	(void)state;
	for (size_t i = 0; i < NR(not_sizes); i++)
		assert_int_equal(size_parse(not_sizes[i], &bytes), -EINVAL);
	for (size_t i = 0; i < NR(too_large) - 1; i++)
		assert_int_equal(size_parse(too_large[i], &bytes), -ERANGE);
	assert_int_equal(size_parse(too_large[NR(too_large) - 1], &bytes), -EINVAL);
	assert_int_equal(bytes, 77);
}

static void test_format(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0B" },
		{ 1023, "1023B" },
		{ 1024, "1.0K" },
		{ 1536, "1.5K" },
		{ 64 * KIB * KIB, "64.0M" },
		{ KIB * KIB - 1, "1.0M" }, /* rounds up into the next unit, not to 1024.0K */
		{ KIB * KIB - 52, "1023.9K" },
		{ 1099511627775, "1.0T" },
		{ UINT64_MAX, "16777216.0T" },
	};

	(void)state;
	for (size_t i = 0; i < NR(cases); i++) {
		char text[SIZE_TEXT_BYTES];

		size_format(cases[i].bytes, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

/* What is printed can be typed, and is off by half a tenth of the unit at most. */
static void test_format_parses(void **state)
{
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t bytes = ((uint64_t)rand_r(&seed) << 31 | (uint64_t)rand_r(&seed)) >>
				 (rand_r(&seed) % 62);
		char text[SIZE_TEXT_BYTES];
		uint64_t back, off;

		size_format(bytes, text, sizeof(text));
		assert_int_equal(size_parse(text, &back), 0);
		off = back > bytes ? back - bytes : bytes - back;
		assert_true(off <= bytes / 18);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_valid),
		cmocka_unit_test(test_parse_invalid),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_parses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
