#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# redis-server with several times its budget saves its data by children that it forks, while it is
# written: what BGSAVE wrote has, in a redis without the pager, the digest of the moment of the fork, and
# the log that BGREWRITEAOF wrote and that went on growing has that of the end.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

# shellcheck source=selftests/real/redis.sh
. "${0%/*}/redis.sh"

need_root
need redis-server redis-cli redis-benchmark redis-check-rdb redis-check-aof

REDIS_KEYS=${UPAGER_TEST_FULL:+200000}
REDIS_KEYS=${REDIS_KEYS:-15625}
sample_budget=$((REDIS_KEYS * 1024 * 1024 / 3125))

AOF=(--appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0 --aof-use-rdb-preamble no)

writer_pid=

# Before the clean-up of lib.sh.
writer_end()
{
	end_group "$writer_pid"
	writer_pid=
}
trap 'writer_end; cleanup' EXIT

# Writes at random, until it is ended.
writer_start()
{
	start redis-benchmark -s "$RUN/redis.sock" -q -l -c 4 -r "$REDIS_KEYS" -d 1024 -t set \
		>"$WORK/writer" 2>&1
	writer_pid=$started_pid
	ok "$1: it is being written" wait_for 20 has_written "$(redis_figure stats total_commands_processed)"
}

has_written()
{
	[ "$(redis_figure stats total_commands_processed)" -gt $(($1 + 100)) ]
}

# redis_figure SECTION KEY
redis_figure()
{
	redis info "$1" | tr -d '\r' | sed -n "s/^$2://p"
}

saved()
{
	[ "$(redis_figure persistence rdb_bgsave_in_progress)" = 0 ] &&
		[ "$(redis_figure persistence aof_rewrite_in_progress)" = 0 ] &&
		[ "$(redis_figure persistence aof_rewrite_scheduled)" = 0 ]
}

# child_saves WHAT COMMAND: one is forked.
child_saves()
{
	ok "$1: a child begins" grep -q started <<<"$(redis "$2")"
}

# saved_well WHAT
saved_well()
{
	ok "$1: it ends" wait_for 200 saved
	is "$1: no dump has failed" "$(redis_figure persistence rdb_last_bgsave_status)" ok
	is "$1: no log has failed" "$(redis_figure persistence aof_last_bgrewrite_status)" ok
}

# Whatever instant a value is of, it is what was loaded or what the writer writes.
values_known()
{
	redis eval '
		local fill = string.rep(" ", 500)
		local n, written, first = tonumber(ARGV[1]), 0, nil
		for i = 0, n - 1 do
			local v = redis.call("get", string.format("key:%012d", i))
			if not v then
				return "lost: " .. i
			end
			if v ~= string.format("%08d%s%08d%s%08d", i, fill, i * 7919 % 99999989, fill, n - i) then
				first = first or v
				if v ~= first or #v ~= 1024 then
					return "wrong: " .. i
				end
				written = written + 1
			end
		end
		return written > 0 and "known" or "nothing was written"' 0 "$REDIS_KEYS"
}

loaded()
{
	[ "$(redis_figure persistence loading)" = 0 ]
}

# load_plain WHAT DIRECTORY [OPTION]...: a redis without the pager reads it; sets digest.
load_plain()
{
	local what=$1 directory=$2

	shift 2
	redis_options=(--dir "$directory" "$@")
	redis_start env
	ok "$what is read" wait_for 60 loaded
	is "$what: all keys are there" "$(redis dbsize)" "$REDIS_KEYS"
	is "$what: their values" "$(values_known)" known
	digest=$(redis debug digest)
	redis_stop
	sample_end
	is "$what: redis-server exits 0" "$program_status" 0
}

# finds_none CHECKER [ARG]...
finds_none()
{
	"$@" >"$WORK/checked" 2>&1 || {
		diag_file "$WORK/checked"
		return 1
	}
}

# dump_to DIRECTORY: the dump that was written goes there.
dump_to()
{
	mkdir "$1"
	mv "$WORK/dump.rdb" "$1"
	ok "redis-check-rdb finds no fault" finds_none redis-check-rdb "$1/dump.rdb"
}

# redis_life: loads, saves in every way, and ends.
redis_life()
{
	is "all keys were loaded" "$(redis_load)" "errors: 0, replies: $REDIS_KEYS"
	ok "they need four times the budget" \
		test "$(redis_figure memory used_memory)" -ge $((4 * sample_budget))

	writer_start "dump under load"
	child_saves "dump under load" bgsave
	saved_well "dump under load"
	writer_end
	dump_to "$WORK/dump.load"

	at_dump=$(redis debug digest)
	child_saves "dump of an instant" bgsave
	writer_start "dump of an instant"
	saved_well "dump of an instant"
	dump_to "$WORK/dump.instant"

	child_saves "log" bgrewriteaof
	saved_well "log"
	writer_end
	at_end=$(redis debug digest)
	redis_stop
	sample_end
	is "redis-server under the pager exits 0" "$program_status" 0
	ok "RssAnon is never above budget + 10% for longer than a second" sample_within_budget
	mkdir "$WORK/log"
	mv "$WORK/appendonlydir" "$WORK/log"
	ok "redis-check-aof finds no fault" finds_none \
		redis-check-aof "$WORK/log/appendonlydir/appendonly.aof.manifest"
}

redis_load_make
ok "daemon starts" daemon_start 1G
[ "$tap_failed" -eq 0 ] || done_testing
redis_options=("${AOF[@]}")
redis_start "$BUILD/upager" run --budget "$sample_budget" -- || {
	ok "redis-server answers" false
	done_testing
}
seconds=$SECONDS
redis_life
diag "budget $sample_budget: $((SECONDS - seconds)) s, RssAnon max $(sample_get max_bytes)," \
	"over budget + 10% for at most $(sample_get over_longest_ms) ms"
ok "daemon stops with exit status 0" daemon_stop

sample_budget=0
load_plain "dump under load" "$WORK/dump.load"
load_plain "dump of an instant" "$WORK/dump.instant"
is "dump of an instant: its digest" "$digest" "$at_dump"
load_plain "log" "$WORK/log" "${AOF[@]}"
is "log: its digest" "$digest" "$at_end"
ok "the instant was not the end" test "$at_dump" != "$at_end"
done_testing
