#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 240
#
# The unit as it is shipped, under a systemd that is PID 1, with what `make install` installs: programs
# whose contents are checked are paged while the service is restarted, killed, hung, upgraded and
# stopped. Only in a guest: it installs into the running system.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

# shellcheck source=selftests/real/redis.sh
. "${0%/*}/../real/redis.sh"

[ "${UPAGER_VM:-} $(cat /proc/1/comm)" = "1 systemd" ] ||
	skip_all "only in a guest with systemd (scripts/vm run --root debian)"
[ -d "$BUILD/install" ] || skip_all "nothing was installed into $BUILD/install"

UNIT=upagerd.service
AREA=/var/lib/upager.area
unset UPAGER_SOCKET
REDIS_KEYS=4000
python_pid=
redis_pid=

# Reads 6 MiB of which each block differs, now and then, until the file "stop" is there; "rounds" tells how
# often.
cat >"$WORK/known.py" <<'END'
import hashlib, os, sys, time

work, blocks, rounds = sys.argv[1], [], 0


def block(i):
    return hashlib.sha256(b"%d" % i).digest() * 2048


blocks = [block(i) for i in range(96)]
while not os.path.exists(work + "/stop"):
    for i, have in enumerate(blocks):
        if have != block(i):
            sys.exit("block %d is wrong" % i)
    rounds += 1
    with open(work + "/rounds.new", "w") as file:
        print(rounds, file=file)
    os.rename(work + "/rounds.new", work + "/rounds")
    time.sleep(1)
END

unit_get()
{
	systemctl show --value -p "$1" $UNIT
}

# As a package manager does: what runs keeps the file that it has.
install_all()
{
	cp -a --remove-destination "$BUILD/install/." / && ldconfig && systemd-sysusers && systemctl daemon-reload
}

main_changed()
{
	local now

	now=$(unit_get MainPID)
	[ "$now" != 0 ] && [ "$now" != "$main" ] && [ "$(unit_get ActiveState)" = active ]
}

# Pages of it are outside.
is_paged()
{
	local swapped

	swapped=$(upager status "$1" --json 2>/dev/null | tr -d ' ",' | sed -n '/^swapped_bytes:/{s///p;q}')
	[ "${swapped:-0}" -ge 1000000 ]
}

round_after()
{
	[ "$(cat "$WORK/rounds" 2>/dev/null || echo 0)" -gt "$1" ]
}

# Two rounds, as the first may have begun before.
python_goes_on()
{
	local from

	from=$(cat "$WORK/rounds" 2>/dev/null || echo 0)
	wait_for 60 round_after $((from + 1)) && alive "$python_pid"
}

redis_is_right()
{
	[ "$(timeout 200 redis-cli -s "$RUN/redis.sock" debug digest)" = "$digest" ]
}

programs_are_right()
{
	ok "$1: python goes on and reads what it wrote" python_goes_on
	ok "$1: redis has what was written" redis_is_right
}

programs_are_paged()
{
	ok "$1: python is paged" wait_for 30 is_paged "$python_pid"
	ok "$1: redis is paged" wait_for 30 is_paged "$redis_pid"
}

attach_all()
{
	upager attach --budget 8M "$python_pid" && upager attach --budget 4M "$redis_pid"
}

# drop_in NAME LINE...: more of the unit's section [Service], until it is removed or the guest ends.
drop_in()
{
	local dir=/run/systemd/system/upagerd.service.d name=$1

	shift
	mkdir -p "$dir" && printf '%s\n' '[Service]' "$@" >"$dir/$name.conf" && systemctl daemon-reload
}

drop_in_remove()
{
	rm "/run/systemd/system/upagerd.service.d/$1.conf" && systemctl daemon-reload
}

has_restarts()
{
	[ "$(unit_get NRestarts)" -ge "$1" ]
}

unit_ended()
{
	[ "$(systemctl show --value -p SubState "$1")" != running ]
}

# The runner of this test, which adopts orphans, lets those that have ended be.
living()
{
	local pid

	for pid in $(pgrep -x upagerd) $(pgrep -x upager-keeper) $(pgrep -x upager-agent); do
		! alive "$pid" || echo "$pid"
	done
}

refused_to_other()
{
	! runuser -u other -- upager run -- true 2>"$WORK/refused" && grep -q '^upager: ' "$WORK/refused"
}

# The log of the daemon, if something failed, is in the place of lib.sh's.
journal_show()
{
	journalctl --no-pager -u $UNIT >"$WORK/upagerd.log" 2>&1
}

# journal_has PRIORITY TEXT
journal_has()
{
	grep -F "$2" <<<"$journal" | grep -qF "\"PRIORITY\":\"$1\""
}

end_programs()
{
	mkdir -p "$WORK/filtered"
	touch "$WORK/stop" "$WORK/filtered/stop"
	[ -z "$redis_pid" ] || timeout 60 redis-cli -s "$RUN/redis.sock" shutdown nosave
	[ -z "$python_pid" ] || wait_for 10 gone "$python_pid"
	# shellcheck disable=SC2086
	kill -KILL $python_pid $redis_pid 2>/dev/null
	systemctl stop filtered upagerd 2>/dev/null
	cleanup
}
trap end_programs EXIT
mkdir "$WORK/filtered"

ok "what make install gives is put in place" install_all
ok "upagerd, upager and the man pages are there" test -x /usr/sbin/upagerd -a -x /usr/bin/upager -a \
	-e /usr/share/man/man8/upagerd.8
ok "the library is found" sh -c 'ldconfig -p | grep -q "libupager.so.0 "'
is "systemd has nothing to say against the unit" "$(systemd-analyze verify --man=no $UNIT 2>&1)" ""
ok "upager mkswap" upager mkswap --size 256M $AREA
ok "systemctl start" systemctl start $UNIT
is "it is active once it is ready" "$(unit_get ActiveState)" active
is "it counts on the watchdog" "$(unit_get WatchdogUSec)" 30s
[ "$tap_failed" -eq 0 ] || {
	journal_show
	done_testing
}

redis_load_make
python3 "$WORK/known.py" "$WORK" &
python_pid=$!
program_started()
{
	redis_pid=$1
}
ok "redis starts" redis_start
redis_load | sed 's/^/# /'
digest=$(redis debug digest)
ok "python has its contents" wait_for 60 round_after 0
ok "upager attach" attach_all
programs_are_paged start
programs_are_right start

main=$(unit_get MainPID)
ok "systemctl restart" systemctl restart $UNIT
ok "restart: another daemon" main_changed
programs_are_right restart
ok "restart: they are attached again" attach_all
programs_are_paged restart

main=$(unit_get MainPID)
ok "systemctl kill --kill-whom=main" systemctl kill --kill-whom=main -s KILL $UNIT
ok "kill: another daemon" wait_for 30 main_changed
programs_are_right kill
programs_are_paged kill

main=$(unit_get MainPID)
ok "the daemon is stopped" kill -STOP "$main"
ok "watchdog: another daemon" wait_for 60 main_changed
programs_are_right watchdog
programs_are_paged watchdog

main=$(unit_get MainPID)
# As one that cannot give everything back; SIGHUP it ignores.
ok "timeout: drop-in" drop_in timeout KillSignal=SIGHUP TimeoutStopSec=2s
ok "timeout: systemctl stop" systemctl stop $UNIT
is "timeout: it was killed" "$(unit_get Result)" timeout
ok "timeout: without drop-in" drop_in_remove timeout
ok "timeout: systemctl start" systemctl start $UNIT
programs_are_right timeout
programs_are_paged timeout

main=$(unit_get MainPID)
ok "no area: drop-in" drop_in area ExecStart= "ExecStart=/usr/sbin/upagerd --swap /var/lib/none.area"
ok "no area: systemctl kill" systemctl kill --kill-whom=main -s KILL $UNIT
ok "no area: it is tried again and again" wait_for 60 has_restarts 8
ok "no area: without drop-in" drop_in_remove area
ok "no area: another daemon" wait_for 30 main_changed
programs_are_right "no area"
programs_are_paged "no area"

keeper_in_scope()
{
	grep -qF "/upager-keeper-$keeper.scope" "/proc/$keeper/cgroup"
}
main=$(unit_get MainPID)
keeper=$(pgrep -x upager-keeper)
ok "all killed: the keeper is not of the unit" wait_for 30 keeper_in_scope
ok "systemctl kill, of all processes" systemctl kill -s KILL $UNIT
ok "all killed: another daemon" wait_for 30 main_changed
programs_are_right "all killed"
programs_are_paged "all killed"

main=$(unit_get MainPID)
ok "an upgrade" install_all
is "upgrade: the daemon has its old file" "$(readlink "/proc/$main/exe")" "/usr/sbin/upagerd (deleted)"
ok "upgrade: systemctl restart" systemctl restart $UNIT
is "upgrade: the daemon has the new file" "$(readlink "/proc/$(unit_get MainPID)/exe")" /usr/sbin/upagerd
ok "upgrade: they are attached again" attach_all
programs_are_paged upgrade

# A program with a seccomp filter of its own: the unit must leave the injector able to look at it.
systemd-run --quiet --unit=filtered -p "SystemCallFilter=@system-service mincore" -p NoNewPrivileges=yes \
	python3 "$WORK/known.py" "$WORK/filtered"
ok "filtered: it runs" wait_for 30 test -e "$WORK/filtered/rounds"
filtered_pid=$(systemctl show --value -p MainPID filtered)
is "filtered: it has a filter" "$(sed -n 's/^Seccomp:\t//p' "/proc/$filtered_pid/status")" 2
ok "filtered: upager attach" upager attach --budget 8M "$filtered_pid"
ok "filtered: it is paged" wait_for 30 is_paged "$filtered_pid"
touch "$WORK/filtered/stop"
ok "filtered: it read what it wrote" wait_for 30 unit_ended filtered
is "filtered: it ended with success" "$(systemctl show --value -p ExecMainStatus filtered)" 0

useradd -G upager member && useradd other
ok "member: a member of the group may have a program paged" \
	runuser -u member -- upager run -- true
ok "other: another user may not" refused_to_other

ok "systemctl stop" systemctl stop $UNIT
is "stop: with success" "$(unit_get Result) $(unit_get ExecMainStatus)" "success 0"
is "stop: no process of it is left" "$(living)" ""
programs_are_right stop

journal=$(journalctl --no-pager -u $UNIT -o json --output-fields=PRIORITY,MESSAGE)
ok "journal: what it does, as information" journal_has 6 "serving /run/upager"
ok "journal: what is wrong, as an error" journal_has 3 "which is not given"
journal_show
diag "$(systemd-analyze security --no-pager $UNIT | tail -n 1)"
done_testing
