// SPDX-License-Identifier: GPL-2.0-only
/* A file is what its owner made of it, and may change while it is read: nothing is believed. */
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "elf.h"

/* The kernel executes nothing that has more of them. */
#define ELF_HEADERS_MAX_BYTES 65536

#ifdef __LITTLE_ENDIAN
#define ELF_DATA ELFDATA2LSB
#else
#define ELF_DATA ELFDATA2MSB
#endif

/* Of a program header of 32 or 64 bits, what matters here. */
struct segment {
	u32 type;
	u32 flags;
	u64 start;
	u64 file_bytes;
	u64 bytes;
};

struct headers {
	void *table;
	unsigned int count;
	bool wide;
};

static int read_exactly(struct file *file, void *buf, size_t bytes, u64 offset)
{
	loff_t pos = offset;
	ssize_t got;

	if (pos < 0)
		return -EBADMSG;
	got = kernel_read(file, buf, bytes, &pos);
	if (got < 0)
		return got;
	return got == bytes ? 0 : -EBADMSG;
}

static int headers_read(struct file *file, struct headers *headers)
{
	union {
		unsigned char ident[EI_NIDENT];
		struct elf32_hdr narrow;
		struct elf64_hdr wide;
	} elf;
	size_t entry_bytes, bytes;
	u64 offset;
	int err;

	if (read_exactly(file, elf.ident, SELFMAG, 0) || memcmp(elf.ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	err = read_exactly(file, elf.ident, EI_NIDENT, 0);
	if (err)
		return err;
	headers->wide = elf.ident[EI_CLASS] == ELFCLASS64;
	if (elf.ident[EI_DATA] != ELF_DATA || (!headers->wide && elf.ident[EI_CLASS] != ELFCLASS32))
		return -EBADMSG;
	err = read_exactly(file, &elf, headers->wide ? sizeof(elf.wide) : sizeof(elf.narrow), 0);
	if (err)
		return err;
	if (headers->wide) {
		headers->count = elf.wide.e_phnum;
		entry_bytes = elf.wide.e_phentsize;
		offset = elf.wide.e_phoff;
	} else {
		headers->count = elf.narrow.e_phnum;
		entry_bytes = elf.narrow.e_phentsize;
		offset = elf.narrow.e_phoff;
	}
	if (entry_bytes != (headers->wide ? sizeof(struct elf64_phdr) : sizeof(struct elf32_phdr)))
		return -EBADMSG;
	bytes = headers->count * entry_bytes;
	if (!bytes || bytes > ELF_HEADERS_MAX_BYTES)
		return -EBADMSG;
	headers->table = kvmalloc(bytes, GFP_KERNEL);
	if (!headers->table)
		return -ENOMEM;
	err = read_exactly(file, headers->table, bytes, offset);
	if (err)
		kvfree(headers->table);
	return err;
}

static int segment_get(const struct headers *headers, unsigned int i, struct segment *segment)
{
	u64 end;

	if (headers->wide) {
		const struct elf64_phdr *header = (const struct elf64_phdr *)headers->table + i;

		*segment = (struct segment){ header->p_type, header->p_flags, header->p_vaddr,
					     header->p_filesz, header->p_memsz };
	} else {
		const struct elf32_phdr *header = (const struct elf32_phdr *)headers->table + i;

		*segment = (struct segment){ header->p_type, header->p_flags, header->p_vaddr,
					     header->p_filesz, header->p_memsz };
	}
	/* What is not mapped may say what it likes. */
	if (segment->type != PT_LOAD && segment->type != PT_GNU_RELRO)
		return 0;
	if (segment->file_bytes > segment->bytes ||
	    check_add_overflow(segment->start, segment->bytes, &end) || end > TASK_SIZE_MAX)
		return -EBADMSG;
	return 0;
}

static u64 overlap(u64 start, u64 end, u64 other_start, u64 other_end)
{
	start = max(start, other_start);
	end = min(end, other_end);
	return start < end ? end - start : 0;
}

/* Thousands of segments as large as the address space wrap a sum, which no program could map. */
static void add(struct elf_sizes *sizes, const struct segment *load, const struct segment *relro)
{
	u64 start = load->start & PAGE_MASK;
	u64 file_end = PAGE_ALIGN(load->start + load->file_bytes);
	u64 end = PAGE_ALIGN(load->start + load->bytes);
	u64 relro_bytes;

	sizes->bss_bytes += end - file_end;
	if (load->flags & PF_X) {
		sizes->text_bytes += file_end - start;
	} else if (load->flags & PF_W) {
		/* As the dynamic linker protects it: not the page that it ends in. */
		relro_bytes = overlap(start, file_end, relro->start & PAGE_MASK,
				      (relro->start + relro->bytes) & PAGE_MASK);
		sizes->relro_bytes += relro_bytes;
		sizes->data_bytes += file_end - start - relro_bytes;
	} else {
		sizes->rodata_bytes += file_end - start;
	}
}

static int measure(const struct headers *headers, struct elf_sizes *sizes)
{
	struct segment segment, relro = {};
	unsigned int i;
	int err;

	for (i = 0; i < headers->count; i++) {
		err = segment_get(headers, i, &segment);
		if (err)
			return err;
		if (segment.type == PT_GNU_RELRO)
			relro = segment;
	}
	for (i = 0; i < headers->count; i++) {
		segment_get(headers, i, &segment);
		if (segment.type == PT_LOAD)
			add(sizes, &segment, &relro);
	}
	return 0;
}

/**
 * elf_read - add up the segments of an ELF file
 * @file:  a regular file that is open for reading
 * @sizes: the result, all zero on an error
 *
 * Sleeps, for as long as the file system likes: to be called without locks. Returns 0, -ENOEXEC for
 * what is no ELF file or cannot be read, -EBADMSG for a malformed one, or another error of reading.
 */
int elf_read(struct file *file, struct elf_sizes *sizes)
{
	struct headers headers;
	int err;

	*sizes = (struct elf_sizes){};
	err = headers_read(file, &headers);
	if (err)
		return err;
	err = measure(&headers, sizes);
	kvfree(headers.table);
	return err;
}
