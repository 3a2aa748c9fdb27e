/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ELF_FILE_H
#define UPAGER_ELF_FILE_H

#include <stdint.h>

/* What the program headers of an ELF file want to be mapped, in whole pages. */
struct elf_sizes {
	uint64_t text_bytes;
	uint64_t rodata_bytes;
	uint64_t relro_bytes;
	uint64_t data_bytes;
	uint64_t bss_bytes;
};

/*
 * Reads a regular file, for as long as its file system likes.  -ENOEXEC: it is no ELF file of this
 * machine's byte order; -EBADMSG: its headers cannot be believed; or another error of reading.
 */
int elf_file_sizes(int fd, struct elf_sizes *sizes);

#endif
