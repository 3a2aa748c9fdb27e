/* SPDX-License-Identifier: GPL-2.0-only */
/* A report of the module: lines `key value`, some of them in groups that repeat. */
#ifndef UPAGER_KMOD_REPORT_H
#define UPAGER_KMOD_REPORT_H

#include "module.h"

#define REPORT_SIZE (4UL << 20)
#define REPORT_NONE UINT64_MAX

/* Holds the text of the last report that was read, so that reading maps no memory. */
struct report {
	size_t len;
	char text[REPORT_SIZE];
};

static struct report report;

/* A line at a time; true as long as there is one. */
struct report_line {
	const char *next;
	char key[64];
	char value[4096 + 64];
};

static inline int report_take(int fd)
{
	ssize_t n;

	report.len = 0;
	while ((n = read(fd, report.text + report.len, REPORT_SIZE - 1 - report.len)) > 0)
		report.len += (size_t)n;
	report.text[report.len] = '\0';
	return n < 0 ? -errno : 0;
}

static inline int report_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = report_take(fd);
	close(fd);
	return err;
}

/* /proc/upager/PID/NAME. The directory appears shortly after the process is tracked. */
static inline int report_read_tracked(pid_t pid, const char *name)
{
	char path[64];
	int err = 0;

	snprintf(path, sizeof(path), PROC_DIR "/%d/%s", pid, name);
	if (!wait_until((err = report_read(path)) != -ENOENT))
		return -ENOENT;
	return err;
}

static inline int report_query_text(const char *question)
{
	int fd = open(PROC_DIR "/query", O_RDWR | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, question, strlen(question)) < 0)
		err = -errno;
	else
		err = report_take(fd);
	close(fd);
	return err;
}

static inline int report_query(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", pid);
	return report_query_text(text);
}

static inline bool report_next(struct report_line *line)
{
	const char *from = line->next ? line->next : report.text;
	size_t len = strcspn(from, "\n"), key_len = strcspn(from, " \n");
	size_t value_len = len > key_len ? len - key_len - 1 : 0;

	if (!from[0] || key_len >= sizeof(line->key) || value_len >= sizeof(line->value))
		return false;
	memcpy(line->key, from, key_len);
	line->key[key_len] = '\0';
	memcpy(line->value, from + len - value_len, value_len);
	line->value[value_len] = '\0';
	line->next = from + len + (from[len] == '\n');
	return true;
}

/* The first line with a key; REPORT_NONE where there is none or it is no number. */
static inline uint64_t report_value(const char *key)
{
	struct report_line line = { 0 };
	char *end;
	uint64_t value;

	while (report_next(&line)) {
		if (strcmp(line.key, key))
			continue;
		value = strtoull(line.value, &end, 0);
		return end != line.value && !*end ? value : REPORT_NONE;
	}
	return REPORT_NONE;
}

static inline bool report_is(const char *key, const char *value)
{
	struct report_line line = { 0 };

	while (report_next(&line))
		if (!strcmp(line.key, key))
			return !strcmp(line.value, value);
	return false;
}

#endif
