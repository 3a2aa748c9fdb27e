# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the shell tests share; sourced by *_test.sh, never run.
#
#   WORK   a directory of the test's own on disk, for swap areas and results
#   RUN    a directory of its own on tmpfs, for the socket and the state files
#   UPAGER_SOCKET is exported: every `upager` talks to the test's own daemon.
# Both directories and everything that was started are gone when the test ends,
# however it ends.

set -u
export LC_ALL=C

BUILD=$(realpath -- "${BUILD:-build}")
TARGETS=$BUILD/selftests/targets
WORK=$(mktemp -d "${TMPDIR:-$BUILD}/test.XXXXXX") || exit 1
if [ -w /dev/shm ]; then
	RUN=$(mktemp -d /dev/shm/upager-test.XXXXXX) || exit 1
else
	RUN=$WORK
fi
export UPAGER_SOCKET=$RUN/upager.sock

tap_count=0
tap_failed=0
daemon_pid=
program_pid=
sampler_pid=

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

diag_file()
{
	[ -s "$1" ] && sed 's/^/# /' "$1"
}

# ok DESCRIPTION COMMAND [ARG]...: passes when the command exits 0.
ok()
{
	local what=$1

	shift
	tap_count=$((tap_count + 1))
	if "$@"; then
		echo "ok $tap_count - $what"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $what"
		diag "failed: $*"
	fi
}

# is DESCRIPTION GOT WANTED
is()
{
	ok "$1" test "$2" = "$3"
}

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 4
}

# need PROGRAM...: skips the whole test when one is not installed.
need()
{
	local program

	for program; do
		command -v "$program" >/dev/null || skip_all "$program is not installed"
	done
}

need_root()
{
	[ "$(id -u)" -eq 0 ] || skip_all "needs root"
}

done_testing()
{
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ] || diag_file "$WORK/upagerd.log"
	exit $((tap_failed > 0))
}

# wait_for SECONDS COMMAND [ARG]...: until the command succeeds; longer where all takes longer.
wait_for()
{
	local end=$((SECONDS + $1 * ${UPAGER_TEST_TIME_FACTOR:-1}))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# Zombies have ended.
alive()
{
	[ -e "/proc/$1/stat" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

gone()
{
	! alive "$1"
}

# start COMMAND [ARG]...: in the background, in a process group of its own; sets started_pid.
start()
{
	set -m
	"$@" &
	started_pid=$!
	set +m
}

# The number of a command that has ended may be another process group's by now.
is_ours()
{
	grep -q "^PPid:[[:space:]]*$$\$" "/proc/$1/status" 2>/dev/null
}

# end_group PID: ends a command that start() started and its whole group.
end_group()
{
	[ -n "$1" ] || return 0
	if is_ours "$1"; then
		kill -TERM -- "-$1" 2>/dev/null
		wait_for 5 gone "$1" || diag "$1 did not end on SIGTERM"
	fi
	if is_ours "$1"; then
		kill -KILL -- "-$1" 2>/dev/null
	fi
	wait "$1" 2>/dev/null
}

# Programs first: the daemon serves their faults until they are gone.
cleanup()
{
	trap - EXIT
	end_group "$program_pid"
	end_group "$daemon_pid"
	end_group "$sampler_pid"
	rm -rf -- "$WORK" "$RUN"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# daemon_start AREA_SIZE [ARG]...: a swap area and an upagerd of the test's own.
daemon_start()
{
	local size=$1

	shift
	"$BUILD/upager" mkswap --size "$size" "$WORK/area" >"$WORK/mkswap.log" 2>&1 || {
		diag_file "$WORK/mkswap.log"
		return 1
	}
	[ "$tap_failed" -eq 0 ] || diag_file "$WORK/upagerd.log"
	: >"$WORK/upagerd.log"
	daemon_start_again "$@"
}

# daemon_start_again [ARG]...: another one, on the area and the state that the last one left.
daemon_start_again()
{
	start "$BUILD/upagerd" --swap "$WORK/area" --socket "$UPAGER_SOCKET" --state "$RUN/state" \
		"$@" 2>>"$WORK/upagerd.log"
	daemon_pid=$started_pid
	wait_for 10 "$BUILD/upager" status --json || {
		diag_file "$WORK/upagerd.log"
		return 1
	}
}

# daemon_kill: by SIGKILL; what it serves waits.
daemon_kill()
{
	kill -KILL "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null
	daemon_pid=
}

# daemon_stop: by SIGTERM; returns the daemon's exit status.
daemon_stop()
{
	local status

	[ -n "$daemon_pid" ] || return 1
	kill -TERM "$daemon_pid"
	wait "$daemon_pid"
	status=$?
	end_group "$daemon_pid"
	daemon_pid=
	return $status
}

# sample_start PID BUDGET_BYTES: the largest RssAnon of PID and its descendants, every 100 ms until PID
# ends; with sample_sum set what all have together.
sample_sum=
sample_start()
{
	start "$TARGETS/rss_sample" "$1" "$2" ${sample_sum:+sum} >"$WORK/sample"
	sampler_pid=$started_pid
}

sample_end()
{
	wait "$sampler_pid"
	sampler_pid=
}

# sample_get KEY: a figure of the last sampling.
sample_get()
{
	awk -v key="$1" '$1 == key { print $2 }' "$WORK/sample"
}

# The rule of real programs: never above budget + 10% for longer than a second.  Half the budget
# must have been seen in use, or the sampling looked at something else.
sample_within_budget()
{
	[ "$(sample_get max_bytes)" -ge $((sample_budget / 2)) ] &&
		[ "$(sample_get over_longest_ms)" -le 1000 ]
}

# A quarter, in whole pages, of the most that the last sampling saw.
sample_quarter()
{
	echo $(($(sample_get max_bytes) / 4 / 4096 * 4096))
}

# real_compare NAME FUNCTION: runs FUNCTION twice, without the pager and with a quarter of the
# memory that it had then.  FUNCTION PREFIX... starts the program with the prefix, calls
# program_started with its pid, leaves what it computed in $WORK/result and its exit status in
# program_status.  run_options are more of `upager run`.
run_options=()
real_compare()
{
	local name=$1 body=$2 budget seconds

	sample_budget=0
	seconds=$SECONDS
	"$body" env
	sample_end
	diag "without the pager: $((SECONDS - seconds)) s, RssAnon max $(sample_get max_bytes) bytes"
	is "$name without the pager exits 0" "$program_status" 0
	mv "$WORK/result" "$WORK/result.plain"
	budget=$(sample_quarter)

	ok "daemon starts" daemon_start 1G
	[ "$tap_failed" -eq 0 ] || done_testing
	sample_budget=$budget
	seconds=$SECONDS
	"$body" "$BUILD/upager" run "${run_options[@]}" --budget "$budget" --
	sample_end
	diag "budget $budget: $((SECONDS - seconds)) s, RssAnon max $(sample_get max_bytes)," \
		"over budget + 10% for at most $(sample_get over_longest_ms) ms"
	is "$name under the pager exits 0" "$program_status" 0
	ok "its result is not empty" test -s "$WORK/result"
	ok "its result is that of the run without the pager" \
		cmp "$WORK/result.plain" "$WORK/result"
	ok "RssAnon is never above budget + 10% for longer than a second" sample_within_budget
	ok "daemon stops with exit status 0" daemon_stop
}

# program_started PID: the program runs; sampling begins.
program_started()
{
	program_pid=$1
	sample_start "$1" "$sample_budget"
}

program_wait()
{
	wait "$program_pid"
	program_status=$?
	program_pid=
}
