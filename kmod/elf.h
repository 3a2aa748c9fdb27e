/* SPDX-License-Identifier: GPL-2.0-only */
/* What the program headers of an ELF file want to be mapped. */
#ifndef _KMOD_ELF_H
#define _KMOD_ELF_H

#include <linux/types.h>

struct file;

/* In whole pages, as they are mapped. */
struct elf_sizes {
	u64 text_bytes;
	u64 rodata_bytes;
	u64 relro_bytes;
	u64 data_bytes;
	u64 bss_bytes;
};

int elf_read(struct file *file, struct elf_sizes *sizes);

#endif /* _KMOD_ELF_H */
