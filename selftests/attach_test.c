// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 600
 *
 * `upager attach` of running programs, work under pressure, and `upager
 * detach`, which leaves no trace.
 */
#include <dirent.h>
#include <poll.h>

#include "selftests/target.h"

#include <kselftest_harness.h>

#define PAGES	     8192u
#define ALL_BYTES    (PAGES * PAGE_SIZE)
#define QUARTER	     (ALL_BYTES / 4)
/* What a program has beside the memory that it works on, at most. */
#define BESIDE_BYTES (2 * MIB)

static pid_t guard_pid;

__attribute__((constructor)) static void know_guard(void)
{
	guard_pid = getppid();
}

/* ---- programs ---- */

struct program {
	pid_t pid;
	int in; /* its standard input */
	int out;
};

/* Starts selftests/targets/@name with up to three arguments. */
static struct program program_start(const char *name, const char *arg1, const char *arg2,
				    const char *arg3)
{
	struct program p = { .in = -1, .out = -1 };
	int in[2], out[2];
	char path[640];

	guard_build_dir(path, 512);
	strcat(path, "/selftests/targets/");
	strcat(path, name);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return p;
	fflush(NULL);
	p.pid = fork();
	if (!p.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(path, path, arg1, arg2, arg3, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	p.in = in[1];
	p.out = out[0];
	return p;
}

/* Reads a line of at most size - 1 bytes, without its end; false if none comes in 30 s. */
static bool read_line(int fd, char *line, size_t size)
{
	uint64_t end_ns = now_ns() + 30000000000ULL;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len < size - 1 && now_ns() < end_ns) {
		if (poll(&pfd, 1, 1000) < 1)
			continue;
		if (read(fd, line + len, 1) != 1)
			break;
		if (line[len] == '\n') {
			line[len] = '\0';
			return true;
		}
		len++;
	}
	line[len] = '\0';
	return false;
}

#define NO_ANSWER (-1L)

static long program_ask(const struct program *p, const char *command)
{
	char line[64];

	if (dprintf(p->in, "%s\n", command) < 0 || !read_line(p->out, line, sizeof(line)))
		return NO_ANSWER;
	return atol(line);
}

/* A worker that has filled its memory and is at work. */
static struct program worker_start(const char *name, const char *threads, const char *mode)
{
	struct program p;
	char pages[16], line[64];

	snprintf(pages, sizeof(pages), "%u", PAGES);
	p = program_start(name, pages, threads, mode);
	if (!read_line(p.out, line, sizeof(line)) || strcmp(line, "ready") ||
	    program_ask(&p, "ops") == NO_ANSWER)
		fprintf(stderr, "# %s does not start\n", name);
	return p;
}

/* Lets it check everything and exit: its status, -1 if it hangs. */
static int program_end(struct program *p)
{
	int status = -1;

	close(p->in);
	if (!wait_until(60, waitpid(p->pid, &status, WNOHANG) == p->pid)) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
		status = -1;
	}
	close(p->out);
	return status;
}

/* It goes on and reads what it wrote. */
static bool is_working(const struct program *p)
{
	long ops = program_ask(p, "ops"), bad;

	if (ops == NO_ANSWER || !wait_until(30, program_ask(p, "ops") > ops + 50)) {
		fprintf(stderr, "# process %d stands still at %ld\n", p->pid, ops);
		return false;
	}
	if (program_ask(p, "rest") != 0)
		return false;
	bad = program_ask(p, "check");
	if (bad)
		fprintf(stderr, "# process %d has %ld wrong pages\n", p->pid, bad);
	return !bad && program_ask(p, "go") == 0;
}

/* ---- what /proc tells ---- */

static uint64_t rss_anon(pid_t pid)
{
	unsigned long long kib = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "RssAnon: %llu kB", &kib);
	if (f)
		fclose(f);
	return kib * 1024;
}

struct traces {
	char text[128 * 1024];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct traces *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->text + t->len, sizeof(t->text) - t->len, fmt, ap);
	va_end(ap);
	if (t->len >= sizeof(t->text))
		t->len = sizeof(t->text) - 1;
}

/* Lines of a file of /proc that begin with a word. */
static void add_lines(struct traces *t, const char *path, const char *word)
{
	FILE *f = fopen(path, "re");
	char line[4200];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, word, strlen(word)))
			add(t, "%s", line);
	if (f)
		fclose(f);
}

static void add_links(struct traces *t, const char *path)
{
	char link[300], target[300];
	struct dirent *d;
	DIR *dir = opendir(path);

	while (dir && (d = readdir(dir))) {
		ssize_t n;

		snprintf(link, sizeof(link), "%s/%s", path, d->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		add(t, "%s %.*s\n", d->d_name, (int)max_t(ssize_t, n, 0), target);
	}
	if (dir)
		closedir(dir);
}

/*
 * Mappings with their addresses and names, flags that userfaultfd sets (um,
 * uw), descriptors, threads; children unless it has some of its own.
 */
static void traces_take(struct traces *t, pid_t pid, bool forks)
{
	static const char *const words[] = { "Threads:", "SigBlk:", "SigIgn:",	   "SigCgt:",
					     "CapEff:",	 "VmLck:",  "NoNewPrivs:", "Seccomp:" };
	char path[64], line[4200];
	FILE *f;

	t->len = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	add_lines(t, path, "");
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmFlags:", 8) &&
		    (strstr(line, " um") || strstr(line, " uw") || strstr(line, " dc")))
			add(t, "%s", line);
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	add_links(t, path);
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	add_links(t, path);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		add_lines(t, path, words[i]);
	if (forks)
		return;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	add_lines(t, path, "");
}

static bool traces_equal(const struct traces *a, const struct traces *b)
{
	if (a->len > 100 && !strcmp(a->text, b->text))
		return true;
	fprintf(stderr, "# before:\n%s# after:\n%s", a->text, b->text);
	return false;
}

/* Children of the guard, to which orphans come as agents are; it reaps them at once. */
static int nr_orphans(void)
{
	char path[64];
	int n = 0, pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", guard_pid, guard_pid);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		n++;
	if (f)
		fclose(f);
	return n;
}

/* ---- the command line ---- */

static char cli_said[1024];

/* `upager` with up to four arguments: its exit status; what it said is in cli_said. */
static int cli(const struct pager *pg, const char *command, const char *arg1, const char *arg2,
	       const char *arg3)
{
	int out[2], status = -1;
	char path[512];
	ssize_t n;
	pid_t pid;

	cli_said[0] = '\0';
	guard_build_dir(path, sizeof(path) - 16);
	strcat(path, "/upager");
	if (pipe2(out, O_CLOEXEC))
		return -1;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		setenv("UPAGER_SOCKET", pg->socket, 1);
		execl(path, path, command, arg1, arg2, arg3, NULL);
		_exit(127);
	}
	close(out[1]);
	if (!wait_until(60, waitpid(pid, &status, WNOHANG) == pid)) {
		fprintf(stderr, "# upager %s hangs\n", command);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	n = read(out[0], cli_said, sizeof(cli_said) - 1);
	cli_said[n > 0 ? n : 0] = '\0';
	close(out[0]);
	if (status)
		fprintf(stderr, "# upager %s: %#x: %s", command, (unsigned int)status, cli_said);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A command about a process that must succeed and has nothing to say. */
static bool cli_quietly(const struct pager *pg, const char *command, pid_t pid)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", pid);
	return cli(pg, command, id, NULL, NULL) == 0 && !cli_said[0];
}

/* Attaches with a budget; tells how long the program was stopped, or -1. */
static double cli_attach(const struct pager *pg, pid_t pid, uint64_t budget_bytes)
{
	char id[16], budget[40];
	double ms = -1;

	snprintf(id, sizeof(id), "%d", pid);
	snprintf(budget, sizeof(budget), "--budget=%llu", (unsigned long long)budget_bytes);
	if (cli(pg, "attach", budget, id, NULL) == 0)
		sscanf(cli_said, "%*d is paged: budget %*[^,], stopped for %lf ms", &ms);
	return ms;
}

static bool cli_budget(const struct pager *pg, pid_t pid, uint64_t budget_bytes)
{
	char id[16], budget[24];

	snprintf(id, sizeof(id), "%d", pid);
	snprintf(budget, sizeof(budget), "%llu", (unsigned long long)budget_bytes);
	return cli(pg, "budget", id, budget, NULL) == 0;
}

/* ---- from attach to detach ---- */

static bool is_within(pid_t pid, uint64_t budget_bytes)
{
	return rss_anon(pid) <= budget_bytes + budget_bytes / 10;
}

/* Under pressure: at its budget, with pages coming and going. */
static bool is_paged(struct pager *pg, pid_t pid, uint64_t budget_bytes)
{
	uint64_t evictions = pager_status(pg, pid).evictions;
	bool ok = wait_until(20, is_within(pid, budget_bytes)) &&
		  wait_until(30, pager_status(pg, pid).evictions > evictions + 50 &&
					 pager_status(pg, pid).swap_ins);

	if (!ok)
		fprintf(stderr, "# RssAnon %llu, evictions %llu, swap-ins %llu\n",
			(unsigned long long)rss_anon(pid),
			(unsigned long long)pager_status(pg, pid).evictions,
			(unsigned long long)pager_status(pg, pid).swap_ins);
	return ok;
}

static bool has_everything(pid_t pid)
{
	if (rss_anon(pid) >= ALL_BYTES)
		return true;
	fprintf(stderr, "# RssAnon is %llu\n", (unsigned long long)rss_anon(pid));
	return false;
}

struct journey {
	double stopped_ms;
	struct traces before;
	struct traces after;
};

static struct journey journey;

/* Once there and back; the program must be at work. */
static bool go_round(struct pager *pg, const struct program *p, bool forks, unsigned int work_ms)
{
	struct journey *j = &journey;
	int orphans = nr_orphans();

	traces_take(&j->before, p->pid, forks);
	j->stopped_ms = cli_attach(pg, p->pid, QUARTER);
	if (j->stopped_ms < 0 || !is_paged(pg, p->pid, QUARTER))
		return false;
	sleep_us(work_ms * 1000L);
	if (!is_within(p->pid, QUARTER) && !wait_until(1, is_within(p->pid, QUARTER))) {
		fprintf(stderr, "# over its budget: RssAnon %llu\n",
			(unsigned long long)rss_anon(p->pid));
		return false;
	}
	if (!cli_quietly(pg, "detach", p->pid) || !has_everything(p->pid))
		return false;
	traces_take(&j->after, p->pid, forks);
	if (!traces_equal(&j->before, &j->after))
		return false;
	if (!forks && !wait_until(5, nr_orphans() == orphans)) {
		fprintf(stderr, "# an agent is left\n");
		return false;
	}
	return true;
}

PAGER_FIXTURE(attach)

static bool once(struct pager *pg, const char *name, const char *threads, const char *mode)
{
	struct program p = worker_start(name, threads, mode);
	bool ok;

	ok = is_working(&p) && go_round(pg, &p, mode != NULL, 3000) && is_working(&p);
	if (ok)
		fprintf(stderr, "# %s, %s threads: stopped for %.2f ms\n", name, threads,
			journey.stopped_ms);
	return program_end(&p) == 0 && ok;
}

TEST_F_TIMEOUT(attach, one_thread, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker", "1", NULL));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(attach, one_thread_static, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker_static", "1", NULL));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(attach, eight_threads, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker", "8", NULL));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(attach, eight_threads_static, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker_static", "8", NULL));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(attach, forks_in_a_loop, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker", "1", "fork"));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(attach, two_threads_fork, 120)
{
	EXPECT_TRUE(once(&self->pager, "attach_worker_static", "2", "fork"));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* The same process again and again, detached while four threads fault. */
TEST_F_TIMEOUT(attach, twenty_times, 240)
{
	struct program p = worker_start("attach_worker", "4", NULL);
	double longest_ms = 0;

	for (int i = 0; i < 20; i++) {
		ASSERT_TRUE(go_round(&self->pager, &p, false, 50)) TH_LOG("round %d", i);
		longest_ms = max_t(double, longest_ms, journey.stopped_ms);
	}
	TH_LOG("stopped for at most %.2f ms", longest_ms);
	EXPECT_TRUE(is_working(&p));
	EXPECT_EQ(0, program_end(&p));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* A program that rests, whose pages all are outside or in standby. */
TEST_F_TIMEOUT(attach, at_rest, 120)
{
	struct program p = worker_start("attach_worker", "3", NULL);

	ASSERT_TRUE(is_working(&p));
	ASSERT_EQ(0, program_ask(&p, "rest"));
	ASSERT_GE(cli_attach(&self->pager, p.pid, QUARTER), 0);
	EXPECT_TRUE(wait_until(20, is_within(p.pid, QUARTER)));
	EXPECT_TRUE(cli_quietly(&self->pager, "detach", p.pid));
	EXPECT_TRUE(has_everything(p.pid));
	EXPECT_EQ(0, program_ask(&p, "check"));
	EXPECT_EQ(0, program_ask(&p, "go"));
	EXPECT_TRUE(is_working(&p));
	EXPECT_EQ(0, program_end(&p));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* A call that the program waits in goes on with the time that was left. */
TEST_F_TIMEOUT(attach, blocked_in_a_call, 120)
{
	static const struct {
		const char *program;
		const char *call;
		long ret;
		int error;
		long extra_ms; /* the kernel starts its time limit again, twice, as after SIGCONT */
	} calls[] = {
		{ "inject_wait", "nanosleep", 0, 0, 0 },
		{ "inject_wait_static", "clock_nanosleep", 0, 0, 0 },
		{ "inject_wait", "poll", 0, 0, 0 },
		{ "inject_wait_static", "futex", -1, ETIMEDOUT, 0 },
		{ "inject_wait", "epoll", 0, 0, 3000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct program p = program_start(calls[i].program, calls[i].call, "2000", NULL);
		long ret = 0, ms = 0;
		char line[64];
		int error = 0;

		ASSERT_TRUE(read_line(p.out, line, sizeof(line)));
		sleep_us(100000);
		EXPECT_GE(cli_attach(&self->pager, p.pid, 4 * MIB), 0);
		sleep_us(100000);
		EXPECT_TRUE(cli_quietly(&self->pager, "detach", p.pid));
		ASSERT_TRUE(read_line(p.out, line, sizeof(line)));
		EXPECT_EQ(3, sscanf(line, "%ld %d %ld", &ret, &error, &ms));
		EXPECT_EQ(calls[i].ret, ret) TH_LOG("%s: %s", calls[i].call, line);
		EXPECT_EQ(calls[i].error, error) TH_LOG("%s: %s", calls[i].call, line);
		EXPECT_GE(ms, 1990) TH_LOG("%s: %s", calls[i].call, line);
		EXPECT_LE(ms, 2800 + calls[i].extra_ms) TH_LOG("%s: %s", calls[i].call, line);
		program_end(&p);
	}
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Everything comes in when the budget has room for it; a smaller budget is kept afterwards. */
TEST_F_TIMEOUT(attach, populate, 120)
{
	struct program p = worker_start("attach_worker", "4", NULL);
	struct upager_record rec;

	ASSERT_GE(cli_attach(&self->pager, p.pid, QUARTER), 0);
	EXPECT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
	EXPECT_TRUE(cli_budget(&self->pager, p.pid, 2 * ALL_BYTES));
	EXPECT_TRUE(cli_quietly(&self->pager, "populate", p.pid));
	EXPECT_TRUE(has_everything(p.pid));
	rec = pager_status(&self->pager, p.pid);
	EXPECT_EQ(0, rec.swapped_bytes);
	EXPECT_EQ(0, rec.standby_bytes);
	EXPECT_EQ(UPAGER_PROC_PAGED, rec.state);
	EXPECT_TRUE(is_working(&p));

	EXPECT_TRUE(cli_budget(&self->pager, p.pid, QUARTER));
	EXPECT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
	/* Regression: after a populate nothing was evicted any more. */
	EXPECT_TRUE(cli_quietly(&self->pager, "populate", p.pid));
	EXPECT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
	EXPECT_TRUE(is_working(&p));
	EXPECT_TRUE(cli_quietly(&self->pager, "detach", p.pid));
	EXPECT_TRUE(has_everything(p.pid));
	EXPECT_TRUE(is_working(&p));
	EXPECT_EQ(0, program_end(&p));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static pid_t start_cli(const struct pager *pg, const char *command, pid_t pid)
{
	char path[512], id[16];
	pid_t child;

	guard_build_dir(path, sizeof(path) - 16);
	strcat(path, "/upager");
	snprintf(id, sizeof(id), "%d", pid);
	fflush(NULL);
	child = fork();
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	setenv("UPAGER_SOCKET", pg->socket, 1);
	execl(path, path, command, id, NULL);
	_exit(127);
}

/* Regression: the end of one populate made another one, or a detach, wait for ever. */
TEST_F_TIMEOUT(attach, several_at_once, 120)
{
	static const char *const commands[] = { "populate", "populate", "populate", "detach" };
	struct program p = worker_start("attach_worker", "2", NULL);
	pid_t child[ARRAY_SIZE(commands)];

	for (int round = 0; round < 5; round++) {
		int status = -1;

		ASSERT_GE(cli_attach(&self->pager, p.pid, QUARTER), 0);
		EXPECT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
			size_t k = (i + (size_t)round) % ARRAY_SIZE(commands);

			child[k] = start_cli(&self->pager, commands[k], p.pid);
		}
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
			bool ended =
				wait_until(30, waitpid(child[i], &status, WNOHANG) == child[i]);

			ASSERT_TRUE(ended) TH_LOG("%s hangs", commands[i]);
		}
		/* Those that come after the detach are refused; the detach is not. */
		EXPECT_EQ(0, status);
		EXPECT_TRUE(has_everything(p.pid));
		EXPECT_TRUE(is_working(&p));
	}
	EXPECT_EQ(0, program_end(&p));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* SIGTERM gives three programs everything back, and they go on without the pager. */
TEST_F_TIMEOUT(attach, sigterm_of_the_daemon, 120)
{
	static const struct {
		const char *name;
		const char *threads;
		const char *mode;
	} kind[] = {
		{ "attach_worker", "4", NULL },
		{ "attach_worker_static", "1", NULL },
		{ "attach_worker", "1", "fork" },
	};
	static struct traces before[ARRAY_SIZE(kind)], after;
	struct program p[ARRAY_SIZE(kind)];
	int orphans = nr_orphans();

	for (size_t i = 0; i < ARRAY_SIZE(kind); i++) {
		p[i] = worker_start(kind[i].name, kind[i].threads, kind[i].mode);
		traces_take(&before[i], p[i].pid, kind[i].mode);
		ASSERT_GE(cli_attach(&self->pager, p[i].pid, QUARTER), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++)
		EXPECT_TRUE(is_paged(&self->pager, p[i].pid, QUARTER));
	EXPECT_EQ(0, pager_stop(&self->pager));
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++) {
		EXPECT_TRUE(has_everything(p[i].pid));
		traces_take(&after, p[i].pid, kind[i].mode);
		EXPECT_TRUE(traces_equal(&before[i], &after));
	}
	EXPECT_TRUE(wait_until(5, nr_orphans() == orphans));
	EXPECT_NE(0, access(self->pager.socket, F_OK));
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++) {
		EXPECT_TRUE(is_working(&p[i]));
		EXPECT_EQ(0, program_end(&p[i]));
	}
}

/* A forked child that touches nothing meanwhile: nobody knows yet which process it is. */
TEST_F_TIMEOUT(attach, detach_with_resting_child, 120)
{
	struct program p = worker_start("attach_worker", "2", NULL);

	ASSERT_GE(cli_attach(&self->pager, p.pid, QUARTER), 0);
	ASSERT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
	ASSERT_EQ(0, program_ask(&p, "rest"));
	ASSERT_EQ(0, program_ask(&p, "fork"));
	EXPECT_TRUE(cli_quietly(&self->pager, "detach", p.pid));
	EXPECT_TRUE(has_everything(p.pid));
	EXPECT_EQ(0, program_ask(&p, "join"));
	EXPECT_EQ(0, program_ask(&p, "check"));
	EXPECT_EQ(0, program_ask(&p, "go"));
	EXPECT_TRUE(is_working(&p));
	EXPECT_EQ(0, program_end(&p));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* A program that ends while it is paged, or while it is given back. */
TEST_F_TIMEOUT(attach, ends_meanwhile, 120)
{
	for (int i = 0; i < 4; i++) {
		struct program p = worker_start("attach_worker", "4", NULL);
		int orphans = nr_orphans();
		pid_t detach = 0;
		int status = -1;

		ASSERT_GE(cli_attach(&self->pager, p.pid, QUARTER), 0);
		EXPECT_TRUE(is_paged(&self->pager, p.pid, QUARTER));
		if (i % 2)
			detach = start_cli(&self->pager, "detach", p.pid);
		if (i / 2)
			sleep_us(3000);
		kill(p.pid, SIGKILL);
		EXPECT_TRUE(wait_until(10, waitpid(p.pid, &status, WNOHANG) == p.pid));
		EXPECT_TRUE(!detach || wait_until(20, waitpid(detach, &status, WNOHANG) == detach));
		EXPECT_TRUE(wait_until(10, pager_status(&self->pager, p.pid).pid == 0));
		EXPECT_TRUE(wait_until(10, nr_orphans() == orphans));
		close(p.in);
		close(p.out);
	}
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
