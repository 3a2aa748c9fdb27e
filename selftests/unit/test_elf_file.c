// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/elf_file.h"

#define NR_HEADERS 4

struct file {
	Elf64_Ehdr elf;
	Elf64_Phdr header[NR_HEADERS];
};

/* As a linker makes one: rodata, text, data of which the first pages are sealed, bss. */
static const struct file usual = {
	.elf = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB },
		.e_phoff = offsetof(struct file, header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = NR_HEADERS,
	},
	.header = {
		{ .p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0, .p_filesz = 0x1100,
		  .p_memsz = 0x1100 },
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x2000, .p_filesz = 0x3001,
		  .p_memsz = 0x3001 },
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = 0x7e00, .p_filesz = 0x2300,
		  .p_memsz = 0x5300 },
		{ .p_type = PT_GNU_RELRO, .p_vaddr = 0x7e00, .p_filesz = 0x1200, .p_memsz = 0x1200 },
	},
};

/* What is said of a file with these bytes. */
static int sizes_of(const void *bytes, size_t nr_bytes, struct elf_sizes *sizes)
{
	int fd = memfd_create("elf", MFD_CLOEXEC), err;

	assert_int_equal(write(fd, bytes, nr_bytes), nr_bytes);
	err = elf_file_sizes(fd, sizes);
	close(fd);
	return err;
}

static void test_sizes(void **state)
{
	struct elf_sizes sizes;

	(void)state;
	assert_int_equal(sizes_of(&usual, sizeof(usual), &sizes), 0);
	assert_int_equal(sizes.rodata_bytes, 0x2000);
	assert_int_equal(sizes.text_bytes, 0x4000);
	/* Up to 0x9000: the page that it ends in stays writable. */
	assert_int_equal(sizes.relro_bytes, 0x2000);
	assert_int_equal(sizes.data_bytes, 0x2000);
	assert_int_equal(sizes.bss_bytes, 0x3000);
}

/* This very program: its headers are right, whatever they are. */
static void test_itself(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf_sizes sizes;

	(void)state;
	assert_int_equal(elf_file_sizes(fd, &sizes), 0);
	assert_true(sizes.text_bytes && sizes.rodata_bytes && sizes.data_bytes);
	close(fd);
}

static void test_no_elf(void **state)
{
	struct file file = usual;
	struct elf_sizes sizes;

	(void)state;
	assert_int_equal(sizes_of("", 0, &sizes), -ENOEXEC);
	assert_int_equal(sizes_of("#!/bin/sh\nexit 0\n", 17, &sizes), -ENOEXEC);
	file.elf.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_int_equal(sizes_of(&file, sizeof(file), &sizes), -ENOEXEC);
	assert_int_equal(sizes.text_bytes, 0);
}

static void test_not_believed(void **state)
{
	static const struct {
		size_t offset;
		uint64_t value;
		size_t bytes;
	} wrong[] = {
		{ offsetof(struct file, elf.e_phoff), UINT64_MAX, 8 },
		{ offsetof(struct file, elf.e_phoff), sizeof(struct file) - 1, 8 },
		{ offsetof(struct file, elf.e_phnum), 0, 2 },
		{ offsetof(struct file, elf.e_phnum), 0xffff, 2 },
		{ offsetof(struct file, elf.e_phentsize), 1, 2 },
		{ offsetof(struct file, header[1].p_memsz), 0x3000, 8 },
		{ offsetof(struct file, header[1].p_vaddr), UINT64_MAX - 0x1000, 8 },
		{ offsetof(struct file, header[2].p_memsz), UINT64_MAX, 8 },
		{ offsetof(struct file, header[3].p_vaddr), UINT64_MAX, 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct elf_sizes sizes;
		struct file file = usual;

		memcpy((char *)&file + wrong[i].offset, &wrong[i].value, wrong[i].bytes);
		assert_int_equal(sizes_of(&file, sizeof(file), &sizes), -EBADMSG);
		assert_int_equal(sizes.text_bytes | sizes.bss_bytes, 0);
	}
	for (size_t bytes = EI_NIDENT; bytes < sizeof(usual); bytes++) {
		struct elf_sizes sizes;

		assert_int_equal(sizes_of(&usual, bytes, &sizes), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_itself),
		cmocka_unit_test(test_no_elf),
		cmocka_unit_test(test_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
