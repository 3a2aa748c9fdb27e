#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 300
#
# A redis-server that saves by a fork while it is written: the copies that the module counts of both
# are what redis-server itself says that copy-on-write cost, by the private memory of the child.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/real/redis.sh
. "${0%/*}/../real/redis.sh"

need_root
need redis-server redis-cli
[ -e /proc/upager ] || skip_all "the module upager is not loaded"

KEYS=3000
# Four values to a page: each page is written by the time that the child has ended.
VALUE_BYTES=1000
# Microseconds for each key: the child has work for longer than the writes take.
SAVE_DELAY_US=3000
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

figure()
{
	awk -v key="$1" '$1 == key { print $2 }' "/proc/upager/$pid/cow"
}

redis_start env || {
	ok "redis-server answers" false
	done_testing
}
value=$(printf "%${VALUE_BYTES}s" | tr ' ' x)
for ((i = 0; i < KEYS; i++)); do
	echo "SET key:$i $value"
done | redis --pipe >/dev/null
redis config set rdb-key-save-delay $SAVE_DELAY_US >/dev/null
pid=$(redis info server | tr -d '\r' | sed -n 's/^process_id://p')
exec 3<>/proc/upager/track
echo "$pid" >&3
copies=$(figure copies)
redis bgsave >/dev/null
for ((i = 0; i < KEYS; i++)); do
	echo "SETRANGE key:$i 0 y"
done | redis --pipe >/dev/null
ok "the child still saves when all is written" test "$(persistence rdb_bgsave_in_progress)" = 1
redis config set rdb-key-save-delay 0 >/dev/null
ok "it saves" wait_for 200 saved
is "and well" "$(persistence rdb_last_bgsave_status)" ok
ok "the end of the child is told" wait_for 20 test "$(figure children_copies)" -gt 0
counted=$((($(figure copies) - copies + $(figure children_copies)) * 4096))
said=$(persistence rdb_last_cow_size)
diag "redis-server says $said bytes; copied by it $((($(figure copies) - copies) * 4096))," \
	"by its child $(($(figure children_copies) * 4096))"
ok "all values were written while they were shared" \
	test "$counted" -ge $((KEYS * VALUE_BYTES * 9 / 10))
# The child's buffers are private and no copies; what is copied after it looked is not in its figure.
ok "what is counted is what redis-server says, within 5% and 512 KiB" \
	test "$counted" -le $((said + said / 20 + 524288)) -a \
	"$counted" -ge $((said - said / 20 - 524288))
exec 3>&-
redis_stop
sample_end
done_testing
