// SPDX-License-Identifier: GPL-2.0-only
#include "agent/target.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cause.h"
#include "agent/remote.h"
#include "base/types.h"

#define VDSO_BYTES_MAX 32768

#define STAT_FLAGS 7 /* words after the name */
#define STAT_CPU   37

/* include/linux/sched.h: the flags field of /proc/PID/stat. */
#define PF_IO_WORKER   0x00000010ul
#define PF_USER_WORKER 0x00004000ul
#define PF_KTHREAD     0x00200000ul

int target_number(const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (end == text || errno || n < 0 || n > INT_MAX || (*end && *end != ' ' && *end != '\n'))
		return -1;
	return (int)n;
}

static int read_stat(pid_t tid, unsigned long *flags, int *cpu)
{
	char path[32];
	char text[512];
	char *word;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "re");
	if (!f)
		return -ESRCH;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	/* The name, in parentheses, may hold anything. */
	word = strrchr(text, ')');
	for (int i = 1; word && i <= STAT_CPU; i++) {
		word = strchr(word + 1, ' ');
		if (word && i == STAT_FLAGS)
			*flags = strtoul(word, NULL, 10);
	}
	if (!word)
		return -ESRCH;
	*cpu = target_number(word);
	return *cpu < 0 ? -ESRCH : 0;
}

int target_thread_read(pid_t tid, struct target_thread *th)
{
	char path[32];
	char line[256];
	unsigned long flags = 0;
	FILE *f;
	int cpu;
	int err = read_stat(tid, &flags, &cpu);

	if (err)
		return err;
	*th = (struct target_thread){
		.tid = tid,
		.cpu = cpu,
		.kernel = flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER),
	};
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	if (!f)
		return -ESRCH;
	while (fgets(line, sizeof(line), f)) {
		const char *last = strrchr(line, '\t');

		sscanf(line, "State: %c", &th->state);
		sscanf(line, "Tgid: %d", &th->tgid);
		sscanf(line, "PPid: %d", &th->ppid);
		sscanf(line, "TracerPid: %d", &th->tracer);
		sscanf(line, "Seccomp: %d", &th->seccomp_mode);
		sscanf(line, "SigBlk: %" SCNx64, &th->blocked);
		if (!strncmp(line, "NStgid:", 7) && last)
			th->innermost_pid = target_number(last + 1);
	}
	fclose(f);
	return th->state && th->tgid ? 0 : -ESRCH;
}

bool target_has_memory(pid_t pid)
{
	char path[32], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strtoul(text, NULL, 10) > 0;
}

int target_for_each_thread(pid_t pid, int (*fn)(pid_t tid, void *arg), void *arg)
{
	char path[32];
	struct dirent *de;
	DIR *dir;
	int ret = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return -ESRCH;
	while (!ret && (de = readdir(dir))) {
		pid_t tid = target_number(de->d_name);

		if (tid > 0)
			ret = fn(tid, arg);
	}
	closedir(dir);
	return ret;
}

/* A file's name is a path, which may end with the same. */
static bool is_named(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	return at && !strchr(line, '/') && at[strlen(name)] == '\n';
}

static int find_mapping(pid_t tid, const char *name, uint64_t *start, uint64_t *end)
{
	char path[32];
	char line[512];
	FILE *f;
	int err = -ESRCH; /* no mapping at all: exiting, or just executing another program */

	snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	f = fopen(path, "re");
	if (!f)
		return -ESRCH;
	while (err && fgets(line, sizeof(line), f)) {
		err = -ENOENT;
		if (is_named(line, name) && sscanf(line, "%" SCNx64 "-%" SCNx64, start, end) == 2)
			err = 0;
	}
	fclose(f);
	return err;
}

/* Where the last loaded segment ends, 0 if this is no 64-bit object. */
static uint64_t loaded_end(const unsigned char *image, size_t bytes)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)image;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(image + eh->e_phoff);
	uint64_t end = 0;

	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_machine != EM_X86_64 || eh->e_phoff + eh->e_phnum * sizeof(*ph) > bytes)
		return 0;
	for (unsigned int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD)
			end = max_t(uint64_t, end, ph[i].p_offset + ph[i].p_memsz);
	}
	return end;
}

int target_vdso_find(pid_t tid, struct target_vdso *vdso, char *cause)
{
	static const unsigned char syscall_insn[] = { 0x0f, 0x05 };
	_Alignas(Elf64_Ehdr) unsigned char image[VDSO_BYTES_MAX];
	const unsigned char *insn;
	uint64_t start, end, loaded;
	size_t bytes;
	int err;

	err = find_mapping(tid, "[vdso]", &start, &end);
	if (err == -ESRCH)
		return cause_set(cause, err, "the process is gone");
	bytes = err ? 0 : end - start;
	if (bytes < sizeof(Elf64_Ehdr) || bytes > sizeof(image))
		return cause_set(cause, -EOPNOTSUPP,
				 "it has no vDSO, which injection needs; boot with vdso=1");
	err = remote_read(tid, start, image, bytes);
	if (err)
		return cause_set(cause, err, "its memory cannot be read: %s", strerror(-err));
	loaded = loaded_end(image, bytes);
	if (!loaded)
		return cause_set(cause, -EOPNOTSUPP,
				 "not a 64-bit x86 process; only those can be paged");
	insn = memmem(image, loaded, syscall_insn, sizeof(syscall_insn));
	if (loaded > bytes - GUARD_BYTES || !insn)
		return cause_set(cause, -EOPNOTSUPP, "this kernel's vDSO has no room for a guard");
	vdso->insn = start + (uint64_t)(insn - image);
	vdso->spare = end - GUARD_BYTES;
	return 0;
}

struct candidates {
	pid_t *tid;
	int nr;
	pid_t tracer;
	bool uninterruptible;
};

static int candidate_add(pid_t tid, void *arg)
{
	struct candidates *c = arg;
	struct target_thread th;

	if (c->nr == TARGET_THREADS_MAX || target_thread_read(tid, &th) || th.kernel ||
	    th.state == 'Z' || th.state == 'X')
		return 0;
	if (th.tracer)
		c->tracer = th.tracer;
	else if ((th.state == 'D') == c->uninterruptible)
		c->tid[c->nr++] = tid;
	return 0;
}

static void read_name(pid_t pid, char name[16])
{
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%15[^\n]", name) != 1)
		memcpy(name, "?", sizeof("?"));
	if (f)
		fclose(f);
}

int target_candidates(pid_t pid, pid_t tid[TARGET_THREADS_MAX], char *cause)
{
	struct candidates c = { .tid = tid };
	char name[16];

	target_for_each_thread(pid, candidate_add, &c);
	c.uninterruptible = true;
	target_for_each_thread(pid, candidate_add, &c);
	if (c.tracer) {
		read_name(c.tracer, name);
		return cause_set(cause, -EPERM, "process %d (%s) traces it; end that first",
				 c.tracer, name);
	}
	if (!c.nr)
		return cause_set(cause, -ESRCH, "process %d has ended", pid);
	return c.nr;
}
