/* SPDX-License-Identifier: GPL-2.0-only */
/* A file system with one file, whose server opens it for everybody and never lets anybody read. */
#ifndef UPAGER_SELFTESTS_FUSE_H
#define UPAGER_SELFTESTS_FUSE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fuse {
	pid_t server;
	unsigned int *nr_reads; /* that were asked for */
	int file;
	char dir[32], path[64];
};

static inline struct fuse_attr fuse_attr(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.size = 1 << 20,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0755,
		.nlink = 1,
		.blksize = 4096,
	};
}

static inline void fuse_answer(const struct fuse *fuse, int device, const struct fuse_in_header *in)
{
	struct {
		struct fuse_out_header header;
		union {
			struct fuse_init_out init;
			struct fuse_entry_out entry;
			struct fuse_attr_out attr;
			struct fuse_open_out open;
		};
	} out = { .header.unique = in->unique };
	size_t size = 0;

	switch (in->opcode) {
	case FUSE_INIT:
		out.init = (struct fuse_init_out){ .major = FUSE_KERNEL_VERSION,
						   .minor = FUSE_KERNEL_MINOR_VERSION,
						   .max_write = 4096 };
		size = sizeof(out.init);
		break;
	case FUSE_LOOKUP:
		out.entry = (struct fuse_entry_out){
			.nodeid = 2, .entry_valid = 3600, .attr_valid = 3600, .attr = fuse_attr(2)
		};
		size = sizeof(out.entry);
		break;
	case FUSE_GETATTR:
		out.attr =
			(struct fuse_attr_out){ .attr_valid = 3600, .attr = fuse_attr(in->nodeid) };
		size = sizeof(out.attr);
		break;
	case FUSE_OPEN:
		size = sizeof(out.open);
		break;
	case FUSE_READ:
		++*fuse->nr_reads;
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		return;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		break;
	default:
		out.header.error = -ENOSYS;
	}
	out.header.len = (uint32_t)(sizeof(out.header) + size);
	if (write(device, &out, out.header.len) < 0 && errno != ENOENT)
		_exit(1);
}

static inline void __attribute__((noreturn)) fuse_serve(const struct fuse *fuse, int device)
{
	static char request[1 << 16];

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (;;) {
		ssize_t n = read(device, request, sizeof(request));

		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			fuse_answer(fuse, device, (struct fuse_in_header *)request);
		else if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
			_exit(0);
	}
}

/* Of a user's.  False: the kernel has no such file systems. */
static inline bool fuse_start(struct fuse *fuse, uid_t owner)
{
	char options[96];
	int device = -1;

	if (!access("/dev/fuse", F_OK) || !system("modprobe fuse 2>/dev/null"))
		device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return false;
	snprintf(fuse->dir, sizeof(fuse->dir), "/tmp/upager.fuse.%d", getpid());
	snprintf(fuse->path, sizeof(fuse->path), "%s/file", fuse->dir);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=0,allow_other",
		 device, owner);
	fuse->nr_reads =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mkdir(fuse->dir, 0755);
	if (mount("upager", fuse->dir, "fuse", MS_NOSUID | MS_NODEV, options)) {
		close(device);
		return false;
	}
	fuse->server = fork();
	if (!fuse->server)
		fuse_serve(fuse, device);
	close(device);
	fuse->file = open(fuse->path, O_RDONLY | O_CLOEXEC);
	return fuse->server > 0 && fuse->file >= 0;
}

/* Whoever waits is let go by the end of the server. */
static inline void fuse_stop(struct fuse *fuse)
{
	kill(fuse->server, SIGKILL);
	waitpid(fuse->server, NULL, 0);
	close(fuse->file);
	umount2(fuse->dir, MNT_DETACH);
	rmdir(fuse->dir);
	munmap(fuse->nr_reads, 4096);
}

#endif
