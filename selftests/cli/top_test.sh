#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `upager top` on a terminal of tmux's, and as text.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"
# shellcheck source=selftests/cli/cli.sh
. "${0%/*}/cli.sh"

need tmux

# A server of the test's own for each terminal: one that is ending would take the next one with it.
terminals=0
tm()
{
	env -u TMUX tmux -S "$RUN/tmux.$terminals" -f /dev/null "$@"
}

end_terminal()
{
	tm kill-server 2>"$WORK/tmux.err"
	cleanup
}
trap end_terminal EXIT

# terminal WIDTH HEIGHT ARG...: `upager top ARG...` on a terminal of that size; what it was like before
# and after, and the exit status, in files.
terminal()
{
	local width=$1 height=$2

	shift 2
	tm kill-server 2>"$WORK/tmux.err"
	terminals=$((terminals + 1))
	rm -f "$WORK/status" "$WORK"/stty.*
	tm new-session -d -x "$width" -y "$height" \
		"trap : INT; stty -a >$WORK/stty.before; $UPAGER top $*; echo \$? >$WORK/status.new
		mv $WORK/status.new $WORK/status; stty -a >$WORK/stty.after; exec sleep 1000"
}

keys()
{
	tm send-keys "$@"
}

has()
{
	tm capture-pane -p >"$WORK/screen" && grep -qE -- "$1" "$WORK/screen"
}

has_not()
{
	! has "$1"
}

# shows REGEX: the screen does, soon.
shows()
{
	wait_for 10 has "$1" && return
	diag "not on the screen: $1"
	diag_file "$WORK/screen"
	return 1
}

hides()
{
	wait_for 10 has_not "$1"
}

# ended STATUS: it did, and the terminal is as it was.
ended()
{
	wait_for 10 test -s "$WORK/status" && wait_for 10 test -s "$WORK/stty.after" &&
		[ "$(cat "$WORK/status")" -eq "$1" ] && diff "$WORK/stty.before" "$WORK/stty.after"
}

# order PID...: the rows, from top to bottom.
in_order()
{
	has . && [ "$(grep -oE '^ *424[234] ' "$WORK/screen" | tr -d ' \n')" = "$1" ]
}

order()
{
	wait_for 10 in_order "$(printf %s "$@")" && return
	diag_file "$WORK/screen"
	return 1
}

top_pid()
{
	pgrep -P "$(tm list-panes -F '#{pane_pid}')" -x upager
}

## Without a terminal, or a daemon

ok "no daemon" refuses 1 "no upagerd at $UPAGER_SOCKET" top
ok "no daemon, as text" refuses 1 "no upagerd at $UPAGER_SOCKET" top -b -n 1
fake ok
ok "no terminal" refuses 1 "use upager top -b" top
for delay in 0.05 x 1x 1e9 nan; do
	ok "'$delay' is no time" refuses 2 "is no time to wait" top -d "$delay"
done
ok "no looks" refuses 2 "is no number" top -b -n 0
ok "no such column" refuses 2 "is no column" top -o frobs

## As text

try "$UPAGER" top -b -n 2 -d 0.1 -o pid
is "batch: exit status" "$status" 0
is "batch: so many looks" "$(grep -c '^upager top - ' "$WORK/out")" 2
is "batch: a row for each process and look" "$(grep -cE '^ *424[234] ' "$WORK/out")" 6
ok "batch: what there is" grep -qE \
	'^ +4242 P +64\.0M +60\.0M +2\.0M +196\.0M +0\.0 +0\.0 +- +- +[1-9][0-9]?\.[0-9]{2} +- redis-server$' "$WORK/out"
ok "batch: of one that never waits" grep -qE '^ +4243 .* 0\.00 +- ' "$WORK/out"
ok "batch: stall of all" grep -qF \
	'Stall, 10/60/300 s: some 100.00 50.01 0.02%, full 25.00 0.25 0.01%' "$WORK/out"
is "batch: no control characters" "$(grep -c '[[:cntrl:]]' "$WORK/out")" 0
"$UPAGER" top -b -d 0.1 2>"$WORK/err" | head -n 3 >"$WORK/out"
is "batch ends with who reads it" "${PIPESTATUS[0]}" 141
"$UPAGER" top -b -n 1 >/dev/full 2>"$WORK/err"
is "output that cannot be written is an error" $? 1

## On a terminal

terminal 80 24 -d 0.2 -o PID
ok "it begins" shows '^upager top - [0-9:]+  3 processes: 2 paged, 0 watched, 1 refused'
ok "80 columns have what matters" \
	shows '^ +PID S +BUDGET +RES +SWAPPED +FAULT/s +P50 +P99 +STALL% +RA% +COMMAND$'
ok "a row" shows '^ +4242 P +64\.0M +60\.0M +196\.0M +0\.0 +- +- +[1-9][0-9]?\.[0-9]{2} +- redis-server$'
ok "sorted by number" order 4242 4243 4244
keys r
ok "reversed" order 4244 4243 4242
keys Enter
ok "details of the first" shows '^4244 na'
ok "with what is to be known of it" shows '^its filter forbids mmap'
keys Down Down
ok "details follow the selection" shows '^4242 redis-server: paged, budget 64\.0M'
ok "stall" shows '^stall some avg10=12\.34 .*total=1[0-9]{12} us'
ok "of it full" shows '^stall full avg10=6\.17 .*total=549755813888 us'
ok "a histogram" shows '^ +16us - 33us +495 +49\.7% #{40}$'
keys r
ok "and wherever that goes" shows '^4242 redis-server: paged'
keys Escape
ok "Escape closes them" hides '^stall some'
keys F6
ok "F6 lets choose" shows '^Sort by: '
keys Down Down Down Down Down Down Down Down Down Down Enter
ok "by stall" order 4242 4243 4244
keys h
ok "help" shows '^q, F10 +quit'
keys q
ok "any key leaves it" shows 'STALL%'
keys d 0 x Enter
ok "no time to wait" shows "^'0x' is no time to wait"
keys d 5 Enter
keys d
ok "another delay" shows '^Seconds between two looks, now 5:'
keys Escape '*'
ok "an unknown key" shows 'no such key'

## Sizes

tm resize-window -x 120 -y 40
ok "wider shows more" shows 'STANDBY .*EVICT/s'
tm resize-window -x 40 -y 12
ok "narrower shows less" shows '^ +PID +BUDGET +RES FAULT/s COMMAND *$'
ok "and all processes" order 4242 4243 4244
ok "shorter words, not half of them" shows '^0/s  stall some 100\.00% full 25\.00%$'
ok "in the last line, too" shows '^h Help  s Sort  Enter Details  q Quit *$'
keys h
ok "help has pages there" shows '^any key: more; q: back'
keys Space
ok "which a key turns" shows '^detaching, X refused\.$'
keys q
ok "and q leaves" shows '^h Help'
tm resize-window -x 40 -y 30
keys Enter
ok "details are wrapped" shows '^  share 64\.0M, weight 100$'
ok "and bars are to scale" shows '^ +16us - 33us +495 +49\.7% ###$'
keys Escape
for size in 20x5 9x3 1x1 80x1 1x24; do
	tm resize-window -x "${size%x*}" -y "${size#*x}"
	keys Enter Down
	keys h Escape
	keys s Escape
	ok "it lives at $size" alive "$(top_pid)"
done
tm resize-window -x 80 -y 24
ok "and is whole again" shows '^ +PID S +BUDGET .*COMMAND$'

## A daemon that goes, and comes back

keys Escape
keys d 0 . 1 Enter
end_group "$daemon_pid"
daemon_pid=
ok "the daemon goes" shows "no upagerd at|upagerd closed|upagerd has died"
ok "what was seen last stays" order 4242 4243 4244
fake ok
ok "and comes back" hides "no upagerd at|upagerd closed|upagerd has died"

## How it ends

keys q
ok "q" ended 0
terminal 80 24
ok "it begins again" shows 'redis-server'
kill -TERM "$(top_pid)"
ok "SIGTERM" ended 143
terminal 80 24
ok "it begins again" shows 'redis-server'
keys C-c
ok "Ctrl-C" ended 130
terminal 80 24 -n 2 -d 0.1
ok "after so many looks" ended 0
terminal 80 24
ok "it begins again" shows 'redis-server'
pid=$(top_pid)
tm kill-server
ok "it ends with its terminal" wait_for 10 gone "$pid"
for term in nonsense dumb; do
	terminal 80 24 "; TERM=$term $UPAGER top -n 1 -d 0.1 2>$WORK/err"
	keys q
	wait_for 10 test -s "$WORK/status"
	ok "TERM=$term" grep -q "TERM is '$term'" "$WORK/err"
done
done_testing
