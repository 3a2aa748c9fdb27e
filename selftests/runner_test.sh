#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The test runner sees every way in which a test program can fail, and scripts/lint-includes every
# include that points up.  A runner that missed one would turn broken tests green.

# The programs here are in single quotes.
# shellcheck disable=SC2016

# shellcheck source=selftests/lib.sh
. "${0%/*}/lib.sh"

# runner_says NAME LAST_LINE FAULT: the runner's verdict on a program whose script is on stdin.
runner_says()
{
	local program=$WORK/$1_test.sh

	{
		echo '#!/bin/bash'
		cat
	} >"$program"
	chmod 755 "$program"
	scripts/run-tests --build "$WORK/build" "$program" >"$WORK/verdict" 2>&1
	ok "$1: $2" test "$(tail -n 1 "$WORK/verdict")" = "$2"
	[ -z "$3" ] || ok "$1: says '$3'" grep -q "$3" "$WORK/verdict"
}

runner_says passes "2 passed, 0 failed, 0 skipped" "" <<<'echo 1..2; echo ok 1 - a; echo ok 2 - b'
runner_says skips "1 passed, 0 failed, 1 skipped" "skipped: no such thing" \
	<<<'echo 1..2; echo ok 1 - a; echo "ok 2 - b # SKIP no such thing"'
runner_says skips_all "0 passed, 0 failed, 1 skipped" "skipped: not here" \
	<<<'echo "1..0 # SKIP not here"; exit 4'
runner_says fails "1 passed, 1 failed, 0 skipped" "not ok: b" \
	<<<'echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1'
runner_says fails_silently "0 passed, 2 failed, 0 skipped" "exit status 0, though a case failed" \
	<<<'echo 1..1; echo not ok 1 - a'
runner_says exits_1 "1 passed, 1 failed, 0 skipped" "exit status 1, though no case failed" \
	<<<'echo 1..1; echo ok 1 - a; exit 1'
runner_says crashes "1 passed, 1 failed, 0 skipped" "ended by SIGSEGV" \
	<<<'echo 1..1; echo ok 1 - a; kill -SEGV $$'
runner_says stops_early "1 passed, 1 failed, 0 skipped" "planned 2 cases, 1 results" \
	<<<'echo 1..2; echo ok 1 - a'
runner_says has_no_plan "1 passed, 1 failed, 0 skipped" "no plan" <<<'echo ok 1 - a'
runner_says prints_nothing "0 passed, 1 failed, 0 skipped" "no TAP" <<<'exit 0'
runner_says counts_twice "2 passed, 1 failed, 0 skipped" "not numbered" \
	<<<'echo 1..2; echo ok 1 - a; echo ok 1 - a'
runner_says hangs "1 passed, 1 failed, 0 skipped" "not done after 1 s" <<<'# TIMEOUT 1
echo 1..1; echo ok 1 - a; sleep 98765'
runner_says leaves_a_process "1 passed, 1 failed, 0 skipped" "left process .*(sleep)" \
	<<<'echo 1..1; echo ok 1 - a; setsid sleep 98765 >/dev/null 2>&1 &'
ok "that process was ended" test -z "$(pgrep -x sleep -a | grep -w 98765)"

# runner_again NAME LAST_LINE: the same with --again; the program sees the file "$WORK/NAME_was" the second time.
runner_again()
{
	local program=$WORK/$1_test.sh

	{
		echo '#!/bin/bash'
		echo "was=$WORK/$1_was"
		cat
		echo 'touch "$was"'
	} >"$program"
	chmod 755 "$program"
	scripts/run-tests --again --build "$WORK/build" "$program" >"$WORK/verdict" 2>&1
	is "$1: $2" "$(tail -n 1 "$WORK/verdict")" "$2"
}

# Late once is unsteady, and said; late twice is a failure, and wrong once is one.
runner_again late_once "1 passed, 0 failed, 0 skipped" <<<'echo 1..1; [ -e "$was" ] || printf "not "
echo ok 1 - a; trap "exit $([ -e "$was" ]; echo $?)" EXIT'
ok "late_once: is named" grep -q '^unsteady: .*late_once_test.sh failed, and passed' "$WORK/verdict"
runner_again late_twice "0 passed, 1 failed, 0 skipped" \
	<<<'echo 1..1; echo not ok 1 - a; trap "exit 1" EXIT'
runner_again wrong_once "0 passed, 1 failed, 0 skipped" <<<'echo 1..1; [ -e "$was" ] || printf "not "
echo ok 1 - a; echo "# 3 words wrong"; trap "exit $([ -e "$was" ]; echo $?)" EXIT'
runner_again killed_once "0 passed, 2 failed, 0 skipped" <<<'echo 1..1
[ -e "$was" ] && echo ok 1 - a || { touch "$was"; kill -KILL $$; }'

mkdir -p "$WORK"/daemon/{memory,fault,swap,cli,attic}
cd "$WORK/daemon" || exit 1
touch loop.h memory/page.h attic/widget.h
echo '#include "memory/page.h"' >fault/fault.c
is "includes along the arrows" "$("$OLDPWD/scripts/lint-includes" . | grep -v widget)" ""
echo '#include "loop.h"' >swap/slot.c
echo '#include "memory/page.h"' >cli/command.c
"$OLDPWD/scripts/lint-includes" . >"$WORK/includes"
ok "an include against the arrows" grep -q 'swap/slot.c includes loop.h' "$WORK/includes"
ok "a command that includes the daemon" grep -q 'cli/command.c includes memory/page.h' "$WORK/includes"
ok "a folder that has no place" grep -q 'widget.h: it is in no folder' "$WORK/includes"
done_testing
