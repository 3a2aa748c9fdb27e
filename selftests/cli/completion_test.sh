#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What bash completes of upager and upagerd is what they take.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"
# shellcheck source=selftests/cli/cli.sh
. "${0%/*}/cli.sh"
# shellcheck source=scripts/completion/upager.sh
. "${0%/*}/../../scripts/completion/upager.sh"

PATH=${UPAGER%/*}:$PATH

# completes WANT WORD...: of the last of them, all that there is.
completes()
{
	local want=$1

	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_upager
	[ "$(printf '%s\n' "${COMPREPLY[@]}" | sort -u | tr '\n' ' ')" = "$want " ] && return
	diag "$*: ${COMPREPLY[*]}"
	return 1
}

# offers WORD... : that many, in COMPREPLY.
offers()
{
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_upager
	[ ${#COMPREPLY[@]} -gt 0 ]
}

ok "bash knows the function" eval 'complete -p upager | grep -q _upager && complete -p upagerd | grep -q _upager'
ok "a command" completes "map" upager ma
ok "of two" completes "populate" upager p
ok "all commands" completes "$("$UPAGER" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' |
	cat - <(printf '%s\n' --help --version) | sort -u | tr '\n' ' ' | sed 's/ $//')" upager ''
commands=$("$UPAGER" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -z "${UPAGER_TEST_QUICK:-}" ] || commands="run mkswap map top"
for command in $commands; do
	offers upager "$command" --
	for option in "${COMPREPLY[@]}"; do
		# One with a value takes the first, without harm; the others what is behind it.
		[[ $option != --?* ]] || "$UPAGER" "$command" "$option=" --help >"$WORK/out" 2>&1 </dev/null ||
			"$UPAGER" "$command" "$option" --help </dev/null 2>&1 >"$WORK/out" | grep "unknown option"
	done >"$WORK/unknown"
	ok "$command takes them all" test ! -s "$WORK/unknown" -a ${#COMPREPLY[@]} -gt 1
	# shellcheck disable=SC2016 # eval's
	ok "$command has --help" eval '[[ " ${COMPREPLY[*]} " = *" --help "* ]]'
done
ok "an option" completes "--html" upager map --htm
ok "a word of an option" completes "openmetrics" upager metrics --format o
ok "a column" completes "STALL%" upager top -o STAL
ok "a step" completes "larger libs" upager tour l
ok "of a size nothing is known" completes "" upager run --budget ''
ok "a file" completes "$WORK/out" upager mkswap "$WORK/ou"
ok "a program behind --" completes "realpath" upager run --budget 1M -- realpat
ok "then its files" completes "$WORK/out" upager run -- cat "$WORK/ou"
ok "a process" eval "offers upager attach $$ && [[ \" \${COMPREPLY[*]} \" = *\" $$ \"* ]]"
fake ok
ok "paged processes" completes "4242 4243 4244" upager detach ''
ok "the daemon's options" completes "--log-level" upagerd --log
ok "and their words" completes "sigbus" upagerd --when-full s
done_testing
