# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Files of the host for the guest's root, with the shared libraries that they need.

# Lists the ELF files with a chance of needing libraries among files and folders.
files_linked()
{
	find -L "$@" -type f \( -perm /111 -o -name '*.so*' \) -print0
}

files_copy()
{
	[ ! -e "$2" ] || return 0
	mkdir -p "${2%/*}"
	cp -L "$1" "$2"
}

# Puts the libraries (and the dynamic loader) that files and folders need at their own places.
files_add_libraries()
{
	local root=$1 list library
	local -a programs

	shift
	mapfile -d '' -t programs < <(files_linked "$@")
	[ ${#programs[@]} -gt 0 ] || return 0
	# ldd fails when one of many is a script or a static program.
	list=$(ldd "${programs[@]}" 2>/dev/null) || true
	# Ours is not installed; the guest has it all the same.
	library=$(sed -nE '/libupager\.so/d; s,^\t(.*) => not found$,\1,p' <<<"$list" | sort -u)
	[ -z "$library" ] || die "what is added needs libraries that are not installed: ${library//$'\n'/ }"
	while read -r library; do
		files_copy "$library" "$root$library"
		# Found by dlopen, when a thread is cancelled or exits.
		case $library in
		*/libc.so.6) files_copy "${library%c.so.6}gcc_s.so.1" "$root${library%c.so.6}gcc_s.so.1" ;;
		esac
	done < <(sed -nE 's,^\t(.* => )?(/[^ ]+) \(0x[0-9a-f]+\)$,\2,p' <<<"$list" | sort -u)
}

# Prints the path of what --add or --host names: a path, or a command looked up on PATH.
files_find()
{
	if [ -e "$1" ]; then
		echo "$1"
	elif [[ $1 != */* ]] && command -v "$1" >/dev/null; then
		command -v "$1"
	else
		die "no such file to add: $1"
	fi
}

# files_add ROOT FOLDER FILE: copies FILE, which may be a folder, into FOLDER of the guest's root and
# appends it to the caller's linked, for one files_add_libraries at the end.
files_add()
{
	local root=$1 folder=$2 file

	file=$(files_find "$3")
	mkdir -p "$root$folder"
	# The root has links, which must be replaced and not written through. A folder keeps its own.
	if [ -d "$file" ]; then
		cp -a --remove-destination "$file" "$root$folder/"
	else
		cp -L --preserve=mode,timestamps --remove-destination "$file" "$root$folder/"
	fi
	linked+=("$file")
}
