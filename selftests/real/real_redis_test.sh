#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# redis-server with a quarter of the memory that it needs: 200,000 keys of 1 KiB (60,000 with
# UPAGER_TEST_QUICK=1) are loaded, read, overwritten at random and loaded again; the digests of the whole
# data set must be those of a run without the pager, and so must the length and the ends of a list that
# LRANGE read.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

# shellcheck source=selftests/real/redis.sh
. "${0%/*}/redis.sh"

need_root
need redis-server redis-cli redis-benchmark
[ -z "${UPAGER_TEST_QUICK:-}" ] || REDIS_KEYS=60000

bench()
{
	redis-benchmark -s "$RUN/redis.sock" -q "$@" >>"$WORK/bench" 2>&1 || echo "benchmark failed: $*"
}

redis_body()
{
	redis_start "$@" || {
		ok "redis-server answers" false
		done_testing
	}
	{
		redis_load
		redis dbsize
		redis debug digest
		bench -n $((REDIS_KEYS * 3 / 20)) -r "$REDIS_KEYS" get key:__rand_int__
		bench -n $((REDIS_KEYS / 40)) -r "$REDIS_KEYS" -d 1024 -t set
		bench -n 2000 -t lrange_300
		redis_load
		redis debug digest
		redis llen mylist
		redis lindex mylist 0
		redis lindex mylist -1
	} >"$WORK/result"
	redis_stop
}

redis_load_make
real_compare redis-server redis_body
is "all keys were loaded" "$(sed -n 1,2p "$WORK/result")" "errors: 0, replies: $REDIS_KEYS
$REDIS_KEYS"
done_testing
