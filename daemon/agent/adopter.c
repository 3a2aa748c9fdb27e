// SPDX-License-Identifier: GPL-2.0-only
#include "agent/adopter.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent/call.h"
#include "agent/cause.h"
#include "base/types.h"

/* The namespace that a link below /proc names; false: there is none (yet). */
static bool namespace_of(pid_t tid, const char *link, struct stat *st)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", tid, link);
	return !stat(path, st);
}

static bool same_namespace(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Its number here; 0: none is found. */
static pid_t first_process_of(const struct stat *ns)
{
	DIR *dir = opendir("/proc");
	struct target_thread th;
	struct dirent *de;
	struct stat st;
	pid_t first = 0;

	while (dir && !first && (de = readdir(dir))) {
		int pid = target_number(de->d_name);

		if (pid > 0 && namespace_of(pid, "pid", &st) && same_namespace(&st, ns) &&
		    !target_thread_read(pid, &th) && th.innermost_pid == 1)
			first = pid;
	}
	if (dir)
		closedir(dir);
	return first;
}

/* Where its arguments lie: each exec has another place, and fork the same. */
static unsigned long arguments_of(pid_t pid)
{
	unsigned long first = 0;
	char path[64];
	char text[1024];
	char *word;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	/* The 48th field; the second, in parentheses, may hold anything. */
	word = strrchr(text, ')');
	for (int field = 3; word && field <= 48; field++)
		word = strchr(word + 1, ' ');
	if (word)
		first = strtoul(word, NULL, 10);
	return first;
}

static bool forked_from(pid_t pid, pid_t from)
{
	unsigned long first = arguments_of(pid);

	return first && first == arguments_of(from);
}

/*
 * In the namespace of the injector orphans are at home.  In another one they
 * are, too, if its first process is an init, which executes what it starts.
 */
int adopter_check(const struct target_thread *th, char *cause)
{
	struct stat own, its;
	pid_t first;

	if (th->innermost_pid == 1)
		return cause_set(cause, -EOPNOTSUPP,
				 "it is PID 1 of its namespace and would adopt the agent; "
				 "start it below an init");
	if (!namespace_of(th->tid, "pid", &its) || stat("/proc/self/ns/pid", &own) ||
	    same_namespace(&its, &own))
		return 0;
	first = first_process_of(&its);
	if (first && forked_from(th->tid, first))
		return cause_set(cause, -EOPNOTSUPP,
				 "PID 1 of its namespace, whose worker it is, would adopt the "
				 "agent; start that below an init");
	return 0;
}

int adopter_check_birth(const struct remote *thread, char *cause)
{
	struct stat own, next;

	/* That of the children has no name before it has a first process. */
	if (!namespace_of(thread->tid, "pid", &own) ||
	    (namespace_of(thread->tid, "pid_for_children", &next) && same_namespace(&own, &next)))
		return 0;
	return cause_set(cause, -EOPNOTSUPP,
			 "what it starts is in another PID namespace (unshare(CLONE_NEWPID)), and "
			 "so would be the agent; attach what it started instead");
}

int adopter_check_subreaper(struct remote *thread, uint64_t scratch, char *cause)
{
	int subreaper = 0;
	int64_t ret;
	int err;

	err = CALL_MUST(thread, &ret, cause, prctl, PR_GET_CHILD_SUBREAPER, scratch);
	if (!err)
		err = remote_read(thread->tid, scratch, &subreaper, sizeof(subreaper));
	if (!err && subreaper)
		err = cause_set(cause, -EOPNOTSUPP,
				"it adopts orphans (PR_SET_CHILD_SUBREAPER) and would adopt the "
				"agent; attach its children instead");
	return err;
}
