// SPDX-License-Identifier: GPL-2.0-only
/* The configuration's files, what --check-config prints of them, and what has changed. */
#include "options_fixture.h"

static void write_dropin(struct fixture *f, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s.d", f->config);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s.d/%s", f->config, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void remove_dropins(struct fixture *f, const char *const *names)
{
	char path[256];

	for (; *names; names++) {
		snprintf(path, sizeof(path), "%s.d/%s", f->config, *names);
		assert_int_equal(unlink(path), 0);
	}
	snprintf(path, sizeof(path), "%s.d", f->config);
	assert_int_equal(rmdir(path), 0);
}

static void test_dropins(void **state)
{
	static const char *const names[] = { "10-a.conf", "9-b.conf", "20-c.conf.off", NULL };
	struct fixture *f = *state;
	struct outcome *o;

	write_config(f, "[upagerd]\nswap = /one\nlimit = 1G\nio_retry = 3\n");
	write_dropin(f, "9-b.conf", "[upagerd]\nlimit = 3G\nio_timeout = 8\n");
	write_dropin(f, "10-a.conf", "[upagerd]\nlimit = 2G\nswap = /two\n");
	write_dropin(f, "20-c.conf.off", "nonsense\n");
	o = parse(f, "--config", f->config, NULL);
	expect_good(o);
	/* In the order of names, as strcmp() has it: the last one wins, areas add up. */
	assert_int_equal(o->opt.limit_bytes, 3ULL << 30);
	assert_int_equal(o->opt.trouble.retry_ns, 3000000000);
	assert_int_equal(o->opt.trouble.timeout_ns, 8000000000);
	assert_int_equal(o->opt.nr_swap, 2);
	assert_string_equal(o->opt.swap[1], "/two");
	/* But for an empty one, which forgets those before it. */
	write_dropin(f, "9-b.conf", "[upagerd]\nswap =\nswap = /three\n");
	o = parse(f, "--config", f->config, NULL);
	expect_good(o);
	assert_int_equal(o->opt.nr_swap, 1);
	assert_string_equal(o->opt.swap[0], "/three");
	write_dropin(f, "9-b.conf", "[upagerd]\n\nlimit = many\n");
	expect_refused(parse(f, "--config", f->config, NULL), "(line 3 of ");
	expect_refused(parse(f, "--config", f->config, NULL), "9-b.conf)");
	remove_dropins(f, names);
}

/* It prints what it would go by, which is a configuration that says the same. */
static void test_check(void **state)
{
	struct fixture *f = *state;
	struct outcome *o;
	char printed[8192];

	write_config(f, "[upagerd]\nswap = /one,pri=3\nwhen_full = wait\nlimit = 1G\n");
	o = parse(f, "--check-config", "--config", f->config, "--stop-timeout=5",
		  "--log-level=debug", "--hold-latency=no", NULL);
	assert_int_equal(o->ret, 0);
	assert_string_equal(o->err, "");
	assert_non_null(strstr(o->out, "\nwhen_full = wait\n"));
	assert_non_null(strstr(o->out, "\nlimit = 1073741824\n"));
	assert_non_null(strstr(o->out, "\nstop_timeout = 5\n"));
	snprintf(printed, sizeof(printed), "%s", o->out);
	write_config(f, printed);
	o = parse(f, "--config", f->config, "--check-config", NULL);
	assert_string_equal(o->out, printed);
	write_config(f, "[upagerd]\nswap = /one\nlimit = 1\n");
	expect_refused(parse(f, "--config", f->config, "--check-config", NULL), "too small");
}

/* What SIGHUP finds: again and again, what can be changed and what not. */
static void test_changes(void **state)
{
	struct fixture *f = *state;
	char changed[OPTIONS_CHANGES_BYTES], fixed[OPTIONS_CHANGES_BYTES];
	struct options old, new;

	write_config(f, "[upagerd]\nswap = /one\nlimit = 1G\n");
	old = parse(f, "--config", f->config, NULL)->opt;
	options_changes(&old, &old, changed, fixed);
	assert_string_equal(changed, "");
	assert_string_equal(fixed, "");
	write_config(f, "[upagerd]\nswap = /two\nstate = /d\nio_retry = 11\nlog_level = error\n");
	new = parse(f, "--config", f->config, NULL)->opt;
	options_changes(&old, &new, changed, fixed);
	assert_string_equal(changed,
			    "limit 1073741824 -> none, io_retry 10 -> 11, log_level info -> error");
	assert_string_equal(fixed, "swap, state");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dropins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
