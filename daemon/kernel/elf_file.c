// SPDX-License-Identifier: GPL-2.0-only
/* A file is what its owner made of it, and may change while it is read: nothing is believed. */
#include "kernel/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/types.h"

/* The kernel executes nothing that has more of them. */
#define HEADERS_MAX_BYTES 65536u
#define ADDRESSES_END	  (1ULL << 56)

#define ELF_DATA (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

/* Of a program header of 32 or 64 bits, what matters here. */
struct segment {
	uint32_t type;
	uint32_t flags;
	uint64_t start;
	uint64_t file_end;
	uint64_t end;
};

struct headers {
	void *table;
	unsigned int count;
	bool wide;
};

static int read_exactly(int fd, void *buf, size_t bytes, uint64_t offset)
{
	ssize_t got;

	if (offset > INT64_MAX)
		return -EBADMSG;
	got = pread(fd, buf, bytes, (off_t)offset);
	if (got < 0)
		return -errno;
	return (size_t)got == bytes ? 0 : -EBADMSG;
}

static int headers_read(int fd, struct headers *headers)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr narrow;
		Elf64_Ehdr wide;
	} elf;
	size_t entry_bytes, bytes;
	uint64_t offset;
	int err;

	err = read_exactly(fd, elf.ident, EI_NIDENT, 0);
	if (err)
		return err == -EBADMSG ? -ENOEXEC : err;
	headers->wide = elf.ident[EI_CLASS] == ELFCLASS64;
	if (memcmp(elf.ident, ELFMAG, SELFMAG) || elf.ident[EI_DATA] != ELF_DATA ||
	    (!headers->wide && elf.ident[EI_CLASS] != ELFCLASS32))
		return -ENOEXEC;
	err = read_exactly(fd, &elf, headers->wide ? sizeof(elf.wide) : sizeof(elf.narrow), 0);
	if (err)
		return err;
	headers->count = headers->wide ? elf.wide.e_phnum : elf.narrow.e_phnum;
	entry_bytes = headers->wide ? elf.wide.e_phentsize : elf.narrow.e_phentsize;
	offset = headers->wide ? elf.wide.e_phoff : elf.narrow.e_phoff;
	if (entry_bytes != (headers->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return -EBADMSG;
	bytes = headers->count * entry_bytes;
	if (!bytes || bytes > HEADERS_MAX_BYTES)
		return -EBADMSG;
	headers->table = malloc(bytes);
	if (!headers->table)
		return -ENOMEM;
	err = read_exactly(fd, headers->table, bytes, offset);
	if (err)
		free(headers->table);
	return err;
}

static int segment_get(const struct headers *headers, unsigned int i, struct segment *segment)
{
	uint64_t file_bytes, bytes;

	if (headers->wide) {
		const Elf64_Phdr *h = (const Elf64_Phdr *)headers->table + i;

		*segment = (struct segment){ .type = h->p_type,
					     .flags = h->p_flags,
					     .start = h->p_vaddr };
		file_bytes = h->p_filesz;
		bytes = h->p_memsz;
	} else {
		const Elf32_Phdr *h = (const Elf32_Phdr *)headers->table + i;

		*segment = (struct segment){ .type = h->p_type,
					     .flags = h->p_flags,
					     .start = h->p_vaddr };
		file_bytes = h->p_filesz;
		bytes = h->p_memsz;
	}
	/* What is not mapped may say what it likes. */
	if (segment->type != PT_LOAD && segment->type != PT_GNU_RELRO)
		return 0;
	if (file_bytes > bytes || segment->start > ADDRESSES_END ||
	    bytes > ADDRESSES_END - segment->start)
		return -EBADMSG;
	segment->file_end = segment->start + file_bytes;
	segment->end = segment->start + bytes;
	return 0;
}

static uint64_t page_down(uint64_t addr)
{
	return addr & ~(uint64_t)(PAGE_SIZE - 1);
}

static uint64_t page_up(uint64_t addr)
{
	return page_down(addr + PAGE_SIZE - 1);
}

static uint64_t overlap(uint64_t start, uint64_t end, uint64_t other_start, uint64_t other_end)
{
	start = start > other_start ? start : other_start;
	end = end < other_end ? end : other_end;
	return start < end ? end - start : 0;
}

/* Thousands of segments as large as the address space wrap a sum, which no program could map. */
static void add(struct elf_sizes *sizes, const struct segment *load, const struct segment *relro)
{
	uint64_t start = page_down(load->start), file_end = page_up(load->file_end);
	uint64_t relro_bytes;

	sizes->bss_bytes += page_up(load->end) - file_end;
	if (load->flags & PF_X) {
		sizes->text_bytes += file_end - start;
	} else if (load->flags & PF_W) {
		/* As the dynamic linker protects it: not the page that it ends in. */
		relro_bytes =
			overlap(start, file_end, page_down(relro->start), page_down(relro->end));
		sizes->relro_bytes += relro_bytes;
		sizes->data_bytes += file_end - start - relro_bytes;
	} else {
		sizes->rodata_bytes += file_end - start;
	}
}

static int measure(const struct headers *headers, struct elf_sizes *sizes)
{
	struct segment segment, relro = { 0 };

	for (unsigned int i = 0; i < headers->count; i++) {
		int err = segment_get(headers, i, &segment);

		if (err)
			return err;
		if (segment.type == PT_GNU_RELRO)
			relro = segment;
	}
	for (unsigned int i = 0; i < headers->count; i++) {
		segment_get(headers, i, &segment);
		if (segment.type == PT_LOAD)
			add(sizes, &segment, &relro);
	}
	return 0;
}

int elf_file_sizes(int fd, struct elf_sizes *sizes)
{
	struct headers headers;
	int err;

	*sizes = (struct elf_sizes){ 0 };
	err = headers_read(fd, &headers);
	if (err)
		return err;
	err = measure(&headers, sizes);
	free(headers.table);
	return err;
}
