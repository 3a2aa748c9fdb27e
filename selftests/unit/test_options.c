// SPDX-License-Identifier: GPL-2.0-only
#include "options_fixture.h"

static void test_defaults(void **state)
{
	struct outcome *o = parse(*state, "--swap", "/dev/sdx", NULL);

	expect_good(o);
	assert_int_equal(o->opt.nr_swap, 1);
	assert_string_equal(o->opt.swap[0], "/dev/sdx");
	assert_string_equal(o->opt.socket, "/run/upager/upager.sock");
	assert_string_equal(o->opt.state, "/run/upager");
	assert_true(o->opt.hold_latency);
	assert_int_equal(o->opt.log_level, LOG_LEVEL_INFO);
	assert_int_equal(o->opt.stop_timeout_ns, 60000000000);
	assert_int_equal(o->opt.quotas.connections, 256);
	assert_int_equal(o->opt.quotas.user_connections, 64);
	assert_int_equal(o->opt.quotas.root_connections, 32);
	assert_int_equal(o->opt.quotas.user_processes, 1024);
}

static void test_all_options(void **state)
{
	struct outcome *o = parse(*state, "--swap", "/a,pri=3", "--socket=/s", "--state", "/d",
				  "--swap=b,c", "--hold-latency", "no", "--log-level=debug", NULL);

	expect_good(o);
	assert_int_equal(o->opt.nr_swap, 2);
	assert_string_equal(o->opt.swap[0], "/a,pri=3");
	assert_string_equal(o->opt.swap[1], "b,c");
	assert_string_equal(o->opt.socket, "/s");
	assert_string_equal(o->opt.state, "/d");
	assert_false(o->opt.hold_latency);
	assert_int_equal(o->opt.log_level, LOG_LEVEL_DEBUG);
}

static void test_config(void **state)
{
	struct fixture *f = *state;
	struct outcome *o;

	write_config(f, "# a comment\n"
			"[upagerd]\n"
			"swap = /one,pri=7\n"
			"swap=/two\n"
			"socket = /s\n"
			"state = /d\n"
			"hold_latency = no\n"
			"stop_timeout = 7\n"
			"connections = 100\n"
			"user_connections = 10\n"
			"root_connections = 5\n"
			"user_processes = 20\n"
			"log_level = error\n");
	o = parse(f, "--config", f->config, NULL);
	expect_good(o);
	assert_int_equal(o->opt.nr_swap, 2);
	assert_string_equal(o->opt.swap[0], "/one,pri=7");
	assert_string_equal(o->opt.swap[1], "/two");
	assert_string_equal(o->opt.socket, "/s");
	assert_string_equal(o->opt.state, "/d");
	assert_false(o->opt.hold_latency);
	assert_int_equal(o->opt.log_level, LOG_LEVEL_ERR);
	assert_int_equal(o->opt.stop_timeout_ns, 7000000000);
	assert_int_equal(o->opt.quotas.connections, 100);
	assert_int_equal(o->opt.quotas.user_connections, 10);
	assert_int_equal(o->opt.quotas.root_connections, 5);
	assert_int_equal(o->opt.quotas.user_processes, 20);
	/* The command line wins, wherever --config stands. */
	o = parse(f, "--swap=/x", "--socket=/t", "--config", f->config, "--state=/e",
		  "--hold-latency=yes", "--log-level=warning", "--user-connections=11", NULL);
	assert_int_equal(o->opt.quotas.user_connections, 11);
	assert_int_equal(o->opt.quotas.connections, 100);
	expect_good(o);
	assert_int_equal(o->opt.nr_swap, 1);
	assert_string_equal(o->opt.swap[0], "/x");
	assert_string_equal(o->opt.socket, "/t");
	assert_string_equal(o->opt.state, "/e");
	assert_true(o->opt.hold_latency);
	assert_int_equal(o->opt.log_level, LOG_LEVEL_WARN);
}

static void test_bad_config(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
		{ "[upagerd]\nswap = /a\nswapp = /b\n", "upagerd.conf)" },
		{ "[upagerd]\nhold-latency = yes\n", "unknown key 'hold-latency'" },
		{ "[upager]\nswap = /a\n", "unknown section [upager]" },
		{ "swap = /a\n", "unknown section []" },
		{ "[upagerd]\nswap = /a\nnonsense\n", "line 3" },
		{ "[upagerd\nswap = /a\n", "" },
		{ "[upagerd]\nhold_latency = maybe\n", "use yes or no (line 2 of " },
		{ "[upagerd]\nlog_level = loud\n", "use error, warning, info or debug" },
		{ "[upagerd]\nsocket =\n", "empty" },
		{ "[upagerd]\nswap = /a\nswap =\n", "no swap area" },
		{ "[upagerd]\nswap = /a,pri=x\n", "no priority" },
		/* Several mistakes: the first is named, in one line. */
		{ "[upagerd]\na = 1\nb = 2\nnonsense\nc = 3\n", "unknown key 'a'" },
		{ "[upagerd]\nlog_level = loud\n[x]\n[y]\na = 1\n", "log level is 'loud'" },
		{ "[upagerd]\nconnections = 1025\n",
		  "connections is '1025': give a number, 2 to 1024" },
		{ "[upagerd]\nuser_connections = -1\n", "user-connections is '-1'" },
		{ "[upagerd]\nuser_processes = many\n", "user-processes is 'many'" },
		{ "[upagerd]\nstop_timeout = 1m\n", "stop-timeout is '1m': give seconds" },
		{ "[upagerd]\nswap = /a\nconnections = 8\n", "root-connections is 32" },
		{ "[upagerd]\n", "no swap area" },
		{ "", "no swap area" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_config(f, cases[i].text);
		expect_refused(parse(f, "--config", f->config, NULL), cases[i].says);
	}
	unlink(f->config);
	expect_refused(parse(f, "--swap=/a", "--config", f->config, NULL), "No such file");
}

/* A path that does not fit must never be taken for a shorter one. */
static void test_long_values(void **state)
{
	static char text[700], config[800];
	struct fixture *f = *state;

	for (size_t len = 90; len < sizeof(text) - 1; len++) {
		struct outcome *o;

		memset(text, 'x', len);
		text[0] = '/';
		text[len] = '\0';
		o = parse(f, "--swap", text, "--socket", len < 108 ? text : "/s", NULL);
		if (len < sizeof(((struct area *)NULL)->path)) {
			expect_good(o);
			assert_string_equal(o->opt.swap[0], text);
		} else {
			expect_refused(o, "long");
		}
		if (len % 10 > 1)
			continue;
		snprintf(config, sizeof(config), "[upagerd]\nswap = %s\n", text);
		write_config(f, config);
		o = parse(f, "--config", f->config, NULL);
		if (!o->ret)
			assert_string_equal(o->opt.swap[0], text);
		else
			expect_refused(o, "");
	}
	memset(text, 'x', 108);
	text[108] = '\0';
	expect_refused(parse(f, "--swap=/a", "--socket", text, NULL),
		       "the socket's path is longer");
	memset(text, 'x', 256);
	text[256] = '\0';
	expect_refused(parse(f, "--swap=/a", "--state", text, NULL),
		       "the state directory is longer");
}

static void test_bad_options(void **state)
{
	struct fixture *f = *state;

	expect_refused(parse(f, NULL), "no swap area");
	expect_refused(parse(f, "--frobnicate", NULL), "unknown option '--frobnicate'");
	expect_refused(parse(f, "-x", NULL), "unknown option '-x'");
	expect_refused(parse(f, "--swap", NULL), "option '--swap' needs a value");
	expect_refused(parse(f, "--swap=/a", "--state", NULL), "option '--state' needs a value");
	expect_refused(parse(f, "--swap=/a", "/b", NULL), "'/b' is not an option");
	expect_refused(parse(f, "--s", "/a", NULL), "unknown option '--s'"); /* ambiguous */
	expect_refused(parse(f, "--swap=", NULL), "empty");
	expect_refused(parse(f, "--swap=,pri=1", NULL), "no path");
	expect_refused(parse(f, "--swap=/a,pri=", NULL), "no priority");
	expect_refused(parse(f, "--swap=/a,pri=1x", NULL), "no priority");
	expect_refused(parse(f, "--swap=/a,pri=99999", NULL), "no priority");
	expect_refused(parse(f, "--swap=/a", "--socket=", NULL), "empty");
	expect_refused(parse(f, "--swap=/a", "--state=", NULL), "empty");
	expect_refused(parse(f, "--swap=/a", "--hold-latency=1", NULL), "use yes or no");
	expect_refused(parse(f, "--swap=/a", "--log-level=8", NULL), "use error, warning, info");
	/* What comes first is said; nothing after it. */
	expect_refused(parse(f, "--frob", "--swap=/a,pri=x", "--state", NULL), "--frob");
}

static void test_too_many_areas(void **state)
{
	struct fixture *f = *state;
	char config[1000] = "[upagerd]\n";
	struct outcome *o;

	for (int i = 0; i < AREAS_MAX; i++)
		snprintf(config + strlen(config), sizeof(config) - strlen(config), "swap = /%d\n",
			 i);
	write_config(f, config);
	o = parse(f, "--config", f->config, NULL);
	expect_good(o);
	assert_int_equal(o->opt.nr_swap, AREAS_MAX);
	assert_string_equal(o->opt.swap[AREAS_MAX - 1], "/15");
	strcat(config, "swap = /x\n");
	write_config(f, config);
	expect_refused(parse(f, "--config", f->config, NULL), "more than 16");
	expect_refused(parse(f, "--swap=1", "--swap=2", "--swap=3", "--swap=4", "--swap=5",
			     "--swap=6", "--swap=7", "--swap=8", "--swap=9", "--swap=10",
			     "--swap=11", "--swap=12", "--swap=13", "--swap=14", "--swap=15",
			     "--swap=16", "--swap=17", NULL),
		       "more than 16");
}

static void test_help(void **state)
{
	static const char *const words[] = { "--help", "--version" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct outcome *o = parse(*state, words[i], NULL);

		assert_int_equal(o->ret, 1);
		assert_int_equal(o->exit_code, 0);
		assert_true(strlen(o->out) > 10);
		assert_string_equal(o->err, "");
	}
	/* Every option is explained. */
	parse(*state, "--help", NULL);
	assert_non_null(strstr(((struct fixture *)*state)->o->out, "--hold-latency"));
	assert_non_null(strstr(((struct fixture *)*state)->o->out, "--config FILE"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),	   TEST(test_all_options), TEST(test_config),
		TEST(test_bad_config),	   TEST(test_long_values), TEST(test_bad_options),
		TEST(test_too_many_areas), TEST(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
