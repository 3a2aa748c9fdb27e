# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The command line against a daemon that answers as told (targets/cli_helper.c); sourced after
# refusal.sh.

HELPER=$TARGETS/cli_helper
LOG=$WORK/requests

# fake MODE: the daemon that answers so; MODE is one of cli_helper's.
fake()
{
	end_group "$daemon_pid"
	rm -f "$UPAGER_SOCKET"
	start "$HELPER" serve "$UPAGER_SOCKET" "$1" >"$LOG"
	daemon_pid=$started_pid
	wait_for 10 test -e "$UPAGER_SOCKET"
}

# One line, which begins like every message and holds the text.
says()
{
	[ "$(wc -l <"$WORK/err")" -eq 1 ] && grep -q '^upager: ' "$WORK/err" &&
		grep -qF -- "$1" "$WORK/err"
}

# refuses STATUS TEXT ARG...: `upager` does, with one line that holds TEXT.
refuses()
{
	local want=$1 text=$2

	shift 2
	refused "$want" "$text" "$UPAGER" "$@" && says "$text"
}

# asked LINE: that was the last request.
asked()
{
	[ "$(tail -n 1 "$LOG")" = "$1" ] || {
		diag_file "$LOG"
		return 1
	}
}
