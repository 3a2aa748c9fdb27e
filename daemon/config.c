// SPDX-License-Identifier: GPL-2.0-only
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct file {
	const char *path;
	FILE *stream;
	int line;
	char place[PATH_MAX + 32]; /* that line, for messages */
	config_fn *fn;
	void *context;
	int err; /* and that was said */
};

/* Counts, since the handler is not told. */
static char *read_line(char *line, int size, void *context)
{
	struct file *f = context;
	char *read = fgets(line, size, f->stream);

	if (!read)
		return NULL;
	f->line++;
	snprintf(f->place, sizeof(f->place), "line %d of %s", f->line, f->path);
	return read;
}

static int on_key(void *context, const char *section, const char *name, const char *value)
{
	struct file *f = context;

	if (f->err)
		return 1; /* one line is enough */
	log_place(f->place);
	if (strcmp(section, "upagerd")) {
		log_err("unknown section [%s] in the configuration: use [upagerd]", section);
		f->err = -EINVAL;
	} else {
		f->err = f->fn(f->context, name, value);
	}
	log_place(NULL);
	return !f->err;
}

static int read_file(const char *path, bool must_exist, config_fn *fn, void *context)
{
	struct file f = { .path = path, .fn = fn, .context = context };
	int wrong, err;

	f.stream = fopen(path, "re");
	if (!f.stream) {
		err = -errno;
		if (err == -ENOENT && !must_exist)
			return 0;
		log_err("cannot read the configuration %s: %s; name another with --config", path,
			strerror(-err));
		return err;
	}
	wrong = ini_parse_stream(read_line, &f, on_key, &f);
	err = ferror(f.stream) ? -EIO : 0;
	fclose(f.stream);
	if (f.err)
		return f.err;
	if (err)
		log_err("cannot read the configuration %s: %s; name another with --config", path,
			strerror(-err));
	else if (wrong)
		log_err("line %d of the configuration %s is not KEY = VALUE: see upagerd --help",
			wrong, path);
	return wrong ? -EINVAL : err;
}

static int is_dropin(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".conf");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_dropins(const char *path, config_fn *fn, void *context)
{
	char folder[PATH_MAX], file[PATH_MAX + NAME_MAX + 2];
	struct dirent **entry;
	int nr, err = 0;

	snprintf(folder, sizeof(folder), "%s.d", path);
	nr = scandir(folder, &entry, is_dropin, by_name);
	if (nr < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (nr < 0) {
		err = -errno;
		log_err("cannot read the configuration %s: %s", folder, strerror(-err));
		return err;
	}
	for (int i = 0; i < nr; i++) {
		snprintf(file, sizeof(file), "%s/%s", folder, entry[i]->d_name);
		if (!err)
			err = read_file(file, true, fn, context);
		free(entry[i]);
	}
	free(entry);
	return err;
}

int config_read(const char *path, bool must_exist, config_fn *fn, void *context)
{
	return read_file(path, must_exist, fn, context) ?: read_dropins(path, fn, context);
}
