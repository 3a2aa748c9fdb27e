# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Completion of upager and upagerd for bash: commands, options and steps are those that --help tells,
# so that there is no list here that could be of another version.

# __upager_options COMMAND...: the long options in its help.
__upager_options()
{
	"$@" --help 2>/dev/null | grep -oE -- '(^ *(-[a-z], )?|\[|\| )--[a-z][a-z-]*' | grep -oE -- '--[a-z-]+' | sort -u
	echo --help
}

__upager_commands()
{
	"$1" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]\{1,\}\) .*/\1/p'
}

# Processes that the pager has, as far as the caller may see them.
__upager_paged()
{
	"$1" status 2>/dev/null | awk '$1 ~ /^[0-9]+$/ { print $1 }'
}

__upager_pids()
{
	local pid

	for pid in /proc/[0-9]*; do
		echo "${pid#/proc/}"
	done
}

# __upager_words WORD...: those that begin as the word at the cursor does.
__upager_words()
{
	local word

	while read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen -W "$*" -- "$current")
}

__upager_files()
{
	local file

	compopt -o filenames 2>/dev/null
	while read -r file; do
		COMPREPLY+=("$file")
	done < <(compgen -f -- "$current")
}

# The value of an option; false: that has none.
__upager_value()
{
	case $1 in
	--html | --svg | --save | --output | --textfile | --config | --socket | --swap | --state)
		__upager_files
		;;
	--format)
		__upager_words openmetrics prometheus
		;;
	--when-full)
		__upager_words grow wait sigbus
		;;
	--log-level)
		__upager_words error warning info debug
		;;
	--hold-latency)
		__upager_words yes no
		;;
	-o)
		__upager_words "$("$program" top --help | sed -n 's/^Columns: //p')"
		;;
	--budget | --size | --label | --weight | --priority | --repeat | --limit | -n | -d | --*-timeout | \
		--io-retry | --*connections | --user-processes) ;;
	*)
		return 1
		;;
	esac
}

# The words behind -- are a command of their own.
__upager_command_line()
{
	local i

	for ((i = 2; i < COMP_CWORD; i++)); do
		[ "${COMP_WORDS[i]}" != -- ] || return 0
	done
	return 1
}

__upager_program()
{
	local word

	if [ "${COMP_WORDS[COMP_CWORD - 1]}" != -- ]; then
		__upager_files
		return
	fi
	while read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen -c -- "$current" | sort -u)
}

__upager_argument()
{
	case $1 in
	detach | budget | populate | status)
		__upager_words "$(__upager_paged "$program")"
		;;
	attach | stat)
		__upager_words "$(__upager_pids)"
		;;
	map)
		__upager_words "$(__upager_pids)"
		__upager_files
		;;
	tour)
		__upager_words "$("$program" tour --help | sed -n 's/^  \([a-z]\{1,\}\) \{1,\}[A-Z].*/\1/p')"
		;;
	mkswap | swapon | swapoff)
		__upager_files
		;;
	esac
}

_upager()
{
	local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]}

	COMPREPLY=()
	if [ "${program##*/}" = upagerd ]; then
		__upager_value "$before" || __upager_words "$(__upager_options "$program")"
	elif [ "$COMP_CWORD" -eq 1 ]; then
		__upager_words "$(__upager_commands "$program")" --help --version
	elif [[ $command = run || $command = stat ]] && __upager_command_line; then
		__upager_program
	elif __upager_value "$before"; then
		:
	elif [[ $current = -* ]]; then
		__upager_words "$(__upager_options "$program" "$command")" --
	else
		__upager_argument "$command"
	fi
}

complete -F _upager upager upagerd
