// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/vma.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* include/uapi/linux/fs.h of 6.11 and later. */
struct map_query {
	uint64_t size;
	uint64_t query_flags;
	uint64_t query_addr;
	uint64_t vma_start;
	uint64_t vma_end;
	uint64_t vma_flags;
	uint64_t vma_page_size;
	uint64_t vma_offset;
	uint64_t inode;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint32_t vma_name_size;
	uint32_t build_id_size;
	uint64_t vma_name_addr;
	uint64_t build_id_addr;
};

#define MAP_QUERY	 _IOWR('f', 17, struct map_query)
#define MAP_QUERY_WRITE	 (1ULL << 1)
#define MAP_QUERY_SHARED (1ULL << 3)
/* Longer ones are paths. */
#define NAME_BYTES	 128

struct lines {
	int fd;
	off_t at;
	size_t len;
	size_t used;
	bool cut; /* what follows is the rest of a line */
	char buf[16384];
};

/*
 * Next line without its end, or NULL; *err says whether that is the end.  A
 * path of escaped bytes may be longer than any buffer: the line is cut off.
 */
static char *next_line(struct lines *l, int *err)
{
	*err = 0;
	for (;;) {
		char *line = l->buf + l->used;
		char *end = memchr(line, '\n', l->len - l->used);
		ssize_t n;

		if (end) {
			*end = '\0';
			l->used = (size_t)(end - l->buf) + 1;
			if (!l->cut)
				return line;
			l->cut = false;
			continue;
		}
		memmove(l->buf, line, l->len - l->used);
		l->len -= l->used;
		l->used = 0;
		if (l->len == sizeof(l->buf)) {
			bool rest = l->cut;

			l->buf[sizeof(l->buf) - 1] = '\0';
			l->used = l->len;
			l->cut = true;
			if (!rest)
				return l->buf;
			continue;
		}
		n = pread(l->fd, l->buf + l->len, sizeof(l->buf) - l->len, l->at);
		if (n <= 0) {
			*err = n ? -errno : 0;
			return NULL;
		}
		l->at += n;
		l->len += (size_t)n;
	}
}

static void name_vma(struct vma *v, const char *name, uint64_t inode)
{
	v->heap = !strcmp(name, "[heap]");
	v->stack = !strncmp(name, "[stack", 6);
	v->anonymous = !v->shared && !inode &&
		       (!*name || v->heap || v->stack || !strncmp(name, "[anon:", 6));
}

/* "start-end perms offset dev inode name" */
static bool parse_header(const char *line, struct vma *v)
{
	unsigned long long start, end, offset, inode;
	char perms[8];
	int name_at = 0;
	const char *name;

	if (sscanf(line, "%llx-%llx %7s %llx %*s %llu%n", &start, &end, perms, &offset, &inode,
		   &name_at) != 5)
		return false;
	name = line + name_at + strspn(line + name_at, " ");
	*v = (struct vma){
		.start = start,
		.end = end,
		.write = perms[1] == 'w',
		.shared = perms[3] == 's',
	};
	name_vma(v, name, inode);
	return true;
}

static void parse_flags(const char *flags, struct vma *v)
{
	v->wipe_on_fork = strstr(flags, " wf") != NULL;
	v->uffd_missing = strstr(flags, " um") != NULL;
	v->locked = strstr(flags, " lo") != NULL;
	v->soft_dirty = strstr(flags, " sd") != NULL;
}

static struct lines *lines_new(int fd)
{
	struct lines *l = malloc(sizeof(*l));

	if (l) {
		l->fd = fd;
		l->at = 0;
		l->len = l->used = 0;
		l->cut = false;
	}
	return l;
}

int vma_for_each(int maps_fd, vma_fn fn, void *context)
{
	struct lines *l = lines_new(maps_fd);
	struct vma v;
	char *line;
	int err;

	if (!l)
		return -ENOMEM;
	while ((line = next_line(l, &err)))
		if (parse_header(line, &v) && !fn(context, &v))
			break;
	free(l);
	return err;
}

int vma_for_each_detailed(int smaps_fd, vma_fn fn, void *context)
{
	struct lines *l = lines_new(smaps_fd);
	struct vma v = { 0 };
	char *line;
	int err;

	if (!l)
		return -ENOMEM;
	while ((line = next_line(l, &err))) {
		if (!strncmp(line, "VmFlags:", 8)) {
			parse_flags(line + 8, &v);
			if (!fn(context, &v))
				break;
		} else {
			parse_header(line, &v);
		}
	}
	free(l);
	return err;
}

struct find {
	uint64_t addr;
	struct vma *v;
	bool found;
};

static bool find_one(void *context, const struct vma *v)
{
	struct find *f = context;

	if (f->addr >= v->end)
		return true;
	if (f->addr >= v->start) {
		*f->v = *v;
		f->found = true;
	}
	return false;
}

/* -ENOTTY: this kernel, or this file, cannot be asked. */
static int query(int maps_fd, uint64_t addr, struct vma *v)
{
	char name[NAME_BYTES] = "";
	struct map_query q = {
		.size = sizeof(q),
		.query_addr = addr,
		.vma_name_addr = (uintptr_t)name,
		.vma_name_size = sizeof(name),
	};
	int err = ioctl(maps_fd, MAP_QUERY, &q) ? -errno : 0;

	if (err == -ENAMETOOLONG) {
		q.vma_name_addr = q.vma_name_size = 0;
		err = ioctl(maps_fd, MAP_QUERY, &q) ? -errno : 0;
	}
	if (err)
		return err;
	*v = (struct vma){
		.start = q.vma_start,
		.end = q.vma_end,
		.write = q.vma_flags & MAP_QUERY_WRITE,
		.shared = q.vma_flags & MAP_QUERY_SHARED,
	};
	name_vma(v, q.vma_name_size ? name : "", q.inode);
	return 0;
}

int vma_find(int maps_fd, uint64_t addr, struct vma *v)
{
	struct find f = { .addr = addr, .v = v };
	int err = query(maps_fd, addr, v);

	if (err != -ENOTTY && err != -EINVAL)
		return err;
	err = vma_for_each(maps_fd, find_one, &f);
	if (err)
		return err;
	return f.found ? 0 : -ENOENT;
}

bool vma_is_pageable(const struct vma *v)
{
	return v->anonymous && v->write && !v->stack;
}
