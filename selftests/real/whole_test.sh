#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 600
#
# Daemon, module and a redis-server with far more than its budget, which forks to save its data while
# it is written: all data are what they are without the pager, the saved ones too, and the module
# shows the fork, its copies and the paging.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/real/redis.sh
. "${0%/*}/redis.sh"

need_root
need redis-server redis-cli
[ -e /proc/upager ] || skip_all "the module upager is not loaded"

# 7 MB: emulated processors are slow, most of all where programs are stopped for each eviction.
REDIS_KEYS=3500
BUDGET=4M
# For the sampler, which judges nothing here.
sample_budget=0

persistence()
{
	redis info persistence | tr -d '\r' | sed -n "s/^$1://p"
}

saved()
{
	[ "$(persistence rdb_bgsave_in_progress)" = 0 ]
}

# figure KEY: of the program's report.
figure()
{
	awk -v key="$1" '$1 == key { print $2 }' "/proc/upager/$pid/cow" "/proc/upager/$pid/paging"
}

# redis_life [PREFIX]...: loads, saves while it is written, and leaves what there is in result.
redis_life()
{
	rm -f "$WORK/dump.rdb"
	redis_start "$@" || {
		ok "redis-server answers" false
		done_testing
	}
	redis_load >"$WORK/result"
	digest=$(redis debug digest)
	redis bgsave >/dev/null
	for _ in {1..40}; do
		redis set again "$RANDOM" >/dev/null
	done
	ok "${1##*/}: it saves" wait_for 400 saved
	is "${1##*/}: and well" "$(persistence rdb_last_bgsave_status)" ok
	redis del again >/dev/null
	{
		redis dbsize
		redis debug digest
	} >>"$WORK/result"
	is "${1##*/}: saving changed nothing" "$(tail -n 1 "$WORK/result")" "$digest"
}

redis_load_make
redis_life env
redis_stop
sample_end
mv "$WORK/result" "$WORK/result.plain"

ok "daemon starts" daemon_start 128M
[ "$tap_failed" -eq 0 ] || done_testing
redis_life "$BUILD/upager" run --budget $BUDGET --
ok "its data are those of the run without the pager" cmp "$WORK/result.plain" "$WORK/result"

pid=$(redis info server | tr -d '\r' | sed -n 's/^process_id://p')
ok "the module shows its evictions" wait_for 20 test "$(figure evictions)" -gt 500
ok "the fork" test "$(figure forks)" -ge 1
ok "a child" test "$(figure children)" -ge 1
ok "and copies of what was written meanwhile" test "$(figure copies)" -ge 1
diag "evictions $(figure evictions), faults $(figure faults), forks $(figure forks)," \
	"copies $(figure copies), reuses $(figure reuses_without_copy)," \
	"of children $(figure children_copies)"
redis_stop
sample_end
is "it ends well" "$program_status" 0
ok "daemon stops with exit status 0" daemon_stop

redis_start env
ok "what it saved is read" wait_for 20 redis ping
redis del again >/dev/null
is "and is the same" "$(redis dbsize; redis debug digest)" "$(sed 1d "$WORK/result.plain")"
redis_stop
sample_end
done_testing
