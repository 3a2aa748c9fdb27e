# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A redis-server with a known data set, for the test and for the demonstration; sourced after lib.sh.

REDIS_KEYS=200000
# More options of the server; what comes last counts.
redis_options=()

# Every value of 1 KiB differs from every other, at its start, in its middle and at its end.
redis_load_make()
{
	awk -v n="$REDIS_KEYS" 'BEGIN {
		fill = sprintf("%500s", "")
		for (i = 0; i < n; i++)
			printf "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$1024\r\n%08d%s%08d%s%08d\r\n",
				i, i, fill, (i * 7919) % 99999989, fill, n - i
	}' >"$WORK/redis.load"
}

redis_load()
{
	redis --pipe <"$WORK/redis.load" | tail -n 1
}

redis()
{
	redis-cli -s "$RUN/redis.sock" "$@"
}

# redis_start [PREFIX]...: in memory only, on a socket of its own; it is program_pid then.
redis_start()
{
	start "$@" redis-server --port 0 --unixsocket "$RUN/redis.sock" --save '' --appendonly no \
		--enable-debug-command local --dir "$WORK" "${redis_options[@]}" \
		>"$WORK/redis.log" 2>&1
	program_started "$started_pid"
	wait_for 20 redis ping && return
	diag_file "$WORK/redis.log"
	return 1
}

redis_stop()
{
	redis shutdown nosave
	program_wait
}
