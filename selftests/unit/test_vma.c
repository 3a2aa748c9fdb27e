// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seed.h"
#include "vma_fixture.h"

static FILE *text_file;

static int setup(void **state)
{
	(void)state;
	text_file = tmpfile();
	return text_file ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fclose(text_file);
	return 0;
}

__attribute__((format(printf, 1, 2))) static void add(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	assert_true(vfprintf(text_file, fmt, ap) >= 0);
	va_end(ap);
}

static int read_maps(void)
{
	assert_int_equal(fflush(text_file), 0);
	found.nr = 0;
	return vma_for_each(fileno(text_file), collect, &found);
}

static int read_smaps(void)
{
	assert_int_equal(fflush(text_file), 0);
	found.nr = 0;
	return vma_for_each_detailed(fileno(text_file), collect, &found);
}

enum trait {
	WRITE = 1,
	SHARED = 2,
	ANON = 4,
	STACK = 8,
	HEAP = 16,
	PAGEABLE = 32,
};

static unsigned int traits(const struct vma *v)
{
	return (v->write ? WRITE : 0u) | (v->shared ? SHARED : 0u) | (v->anonymous ? ANON : 0u) |
	       (v->stack ? STACK : 0u) | (v->heap ? HEAP : 0u) |
	       (vma_is_pageable(v) ? PAGEABLE : 0u);
}

/* What the kernel writes, name by name. */
static void test_names(void **state)
{
	static const struct {
		const char *rest; /* behind the addresses */
		unsigned int traits;
	} lines[] = {
		{ "rw-p 00000000 00:00 0 ", WRITE | ANON | PAGEABLE },
		{ "rw-p 00000000 00:00 0", WRITE | ANON | PAGEABLE },
		{ "rwxp 00000000 00:00 0 ", WRITE | ANON | PAGEABLE },
		{ "r--p 00000000 00:00 0 ", ANON },
		{ "---p 00000000 00:00 0 ", ANON },
		{ "rw-p 00000000 00:00 0                          [heap]",
		  WRITE | ANON | HEAP | PAGEABLE },
		{ "rw-p 00000000 00:00 0                          [stack]", WRITE | ANON | STACK },
		{ "rw-p 00000000 00:00 0                          [stack:4242]",
		  WRITE | ANON | STACK },
		{ "rw-p 00000000 00:00 0                          [anon:x]",
		  WRITE | ANON | PAGEABLE },
		{ "rw-p 00000000 00:00 0                          [anon:a name: with / (deleted)]",
		  WRITE | ANON | PAGEABLE },
		{ "rw-p 00000000 00:00 0                          [anon:[stack]",
		  WRITE | ANON | PAGEABLE },
		{ "rw-s 00000000 00:00 0                          [anon_shmem:x]", WRITE | SHARED },
		{ "rw-s 00000000 00:01 2067                       /dev/zero (deleted)",
		  WRITE | SHARED },
		{ "rw-s 00000000 00:01 0                          /SYSV00000000 (deleted)",
		  WRITE | SHARED },
		{ "rw-p 00000000 00:01 2067                       /dev/zero", WRITE },
		{ "r--p 00000000 00:00 0                          [vvar]", 0 },
		{ "r-xp 00000000 00:00 0                          [vdso]", 0 },
		{ "--xp 00000000 00:00 0                          [vsyscall]", 0 },
		{ "--xp 00000000 00:00 0                          [uprobes]", 0 },
		{ "rw-p 00021000 fe:01 131086                     /usr/lib/libc.so.6", WRITE },
		{ "rw-p 00021000 fe:01 131086                     /usr/lib/gone.so (deleted)",
		  WRITE },
		{ "rw-p ffffffff000 fe:01 18446744073709551615    /last", WRITE },
		{ "rw-p 00000000 00:05 7                          /memfd:[heap] (deleted)", WRITE },
		{ "rw-p 00000000 fe:01 9                          /tmp/a b  c", WRITE },
		{ "rw-p 00000000 fe:01 9                          /tmp/ [heap]", WRITE },
		{ "rw-p 00000000 fe:01 9                          /tmp/\\012[heap]\\012", WRITE },
		{ "rw-p 00000000 fe:01 9                          /tmp/1000-2000 rw-p 0 00:00 0",
		  WRITE },
		{ "rw-p 00000000 00:2a 0                          /on-a-file-system-without-inodes",
		  WRITE },
		{ "rw-p 00000000 fe:01 9                          /\xff\xfe\x01", WRITE },
	};

	(void)state;
	for (uint64_t i = 0; i < ARRAY_SIZE(lines); i++)
		add("%llx-%llx %s\n", (unsigned long long)(i * 2) << 32,
		    (unsigned long long)(i * 2 + 1) << 32, lines[i].rest);
	assert_int_equal(read_maps(), 0);
	assert_int_equal(found.nr, ARRAY_SIZE(lines));
	for (uint64_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(found.v[i].start, (i * 2) << 32);
		assert_int_equal(found.v[i].end, (i * 2 + 1) << 32);
		if (traits(&found.v[i]) != lines[i].traits)
			fail_msg("'%s' is %#x", lines[i].rest, traits(&found.v[i]));
	}
}

/* Lines of all lengths, so that every byte of one is the last of a piece that is read. */
static void test_pieces(void **state)
{
	uint64_t seed = seed_start(__func__);
	static uint64_t end[VMAS_MAX];

	(void)state;
	for (uint64_t i = 0; i < VMAS_MAX; i++) {
		uint32_t len = seed_below(&seed, seed_below(&seed, 50) ? 40 : 4000);

		end[i] = (i << 20) + PAGE_SIZE * (1 + seed_below(&seed, 200));
		add("%08llx-%08llx rw-p 00000000 %s", (unsigned long long)i << 20,
		    (unsigned long long)end[i], len ? "fe:01 12 /" : "00:00 0");
		for (uint32_t c = 1; c < len; c++)
			add("%c", 'a' + (int)(c % 26));
		add("\n");
	}
	assert_int_equal(read_maps(), 0);
	assert_int_equal(found.nr, VMAS_MAX);
	for (uint64_t i = 0; i < VMAS_MAX; i++) {
		assert_int_equal(found.v[i].start, i << 20);
		assert_int_equal(found.v[i].end, end[i]);
	}
}

/* A path of newlines takes four times PATH_MAX and more; what follows it counts as well. */
static void test_long_names(void **state)
{
	static const uint32_t lens[] = { 16200, 16383, 16384, 16385, 32768, 50001 };

	(void)state;
	for (uint64_t i = 0; i < ARRAY_SIZE(lens); i++) {
		add("%llx-%llx rw-p 00000000 fe:01 12 /", (unsigned long long)(2 * i + 1) << 20,
		    (unsigned long long)(2 * i + 2) << 20);
		for (uint32_t c = 0; c < lens[i] / 4; c++)
			add("\\012");
		add("\n%llx-%llx rw-p 00000000 00:00 0 \n", (unsigned long long)(2 * i + 2) << 20,
		    (unsigned long long)(2 * i + 3) << 20);
	}
	assert_int_equal(read_maps(), 0);
	assert_int_equal(found.nr, 2 * ARRAY_SIZE(lens));
	for (uint64_t i = 0; i < found.nr; i++) {
		assert_int_equal(found.v[i].start, (i + 1) << 20);
		assert_int_equal(found.v[i].end, (i + 2) << 20);
		assert_int_equal(vma_is_pageable(&found.v[i]), i % 2);
	}
}

static void test_not_a_map(void **state)
{
	(void)state;
	add("\n\nnonsense\n1000-2000\n-\n1000-2000 rw-p\nzzz-yyy rw-p 0 00:00 0\n");
	add("5000-6000 rw-p 00000000 00:00 0 \n");
	add("7000-8000 rw-p 00000000 00:00 0 [no end of line]");
	assert_int_equal(read_maps(), 0);
	assert_int_equal(found.nr, 1);
	assert_int_equal(found.v[0].start, 0x5000);
}

static void test_empty(void **state)
{
	(void)state;
	assert_int_equal(read_maps(), 0);
	assert_int_equal(found.nr, 0);
	assert_int_equal(read_smaps(), 0);
	assert_int_equal(found.nr, 0);
	assert_int_equal(vma_for_each(-1, collect, &found), -EBADF);
	assert_int_equal(vma_for_each_detailed(-1, collect, &found), -EBADF);
}

static void test_stop(void **state)
{
	struct vma v;

	(void)state;
	for (unsigned int i = 1; i < 100; i++)
		add("%x000-%x800 rw-p 00000000 00:00 0 \n", i, i);
	found.stop_after = 7;
	assert_int_equal(read_maps(), 0);
	found.stop_after = 0;
	assert_int_equal(found.nr, 7);
	assert_int_equal(vma_find(fileno(text_file), 0x5000, &v), 0);
	assert_int_equal(v.start, 0x5000);
	assert_int_equal(vma_find(fileno(text_file), 0x57ff, &v), 0);
	assert_int_equal(v.start, 0x5000);
	assert_int_equal(vma_find(fileno(text_file), 0x5800, &v), -ENOENT);
	assert_int_equal(vma_find(fileno(text_file), 0, &v), -ENOENT);
	assert_int_equal(vma_find(fileno(text_file), 0x64000, &v), -ENOENT);
}

static void add_smaps(const char *header, const char *flags)
{
	add("%s\n"
	    "Size:               1024 kB\n"
	    "KernelPageSize:        4 kB\n"
	    "AnonHugePages:         0 kB\n"
	    "FilePmdMapped:         0 kB\n"
	    "THPeligible:           0\n"
	    "ProtectionKey:         0\n"
	    "VmFlags:%s\n",
	    header, flags);
}

static void test_flags(void **state)
{
	(void)state;
	add_smaps("1000-2000 rw-p 00000000 00:00 0 ", " rd wr mr mw me ac sd ");
	add_smaps("2000-3000 rw-p 00000000 00:00 0 [heap]", " rd wr mr mw me wf ac ");
	add_smaps("3000-4000 rw-p 00000000 00:00 0 [anon: wf lo ht]", " rd wr mr mw me lo ac ");
	add_smaps("4000-5000 rw-p 00000000 00:0f 77 /anon_hugepage (deleted)", " rd wr ht dc ");
	add_smaps("5000-6000 rw-p 00000000 00:00 0 ", "");
	assert_int_equal(read_smaps(), 0);
	assert_int_equal(found.nr, 5);
	for (uint64_t i = 0; i < 5; i++) {
		assert_int_equal(found.v[i].start, (i + 1) * 0x1000);
		assert_int_equal(found.v[i].wipe_on_fork, i == 1);
		assert_int_equal(found.v[i].locked, i == 2);
		assert_int_equal(vma_is_pageable(&found.v[i]), i != 3);
	}
	found.stop_after = 2;
	assert_int_equal(read_smaps(), 0);
	found.stop_after = 0;
	assert_int_equal(found.nr, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names), TEST(test_pieces), TEST(test_long_names), TEST(test_not_a_map),
		TEST(test_empty), TEST(test_stop),   TEST(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
