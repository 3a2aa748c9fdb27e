#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# make -j4 of a C project as one family, with a quarter of the memory that all its processes have at a
# time: compilers come and go by fork and exec, every one is a member and shares the budget, and the
# object files are bit by bit those of a build without the pager.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

# The package's own, not a wrapper that some other Python put in front of it.
python=/usr/bin/python3

need_root
need gcc make "$python"

FILES=${UPAGER_TEST_FULL:+120}${UPAGER_TEST_QUICK:+10}
FILES=${FILES:-16}

# shellcheck disable=SC2034 # lib.sh reads it
sample_sum=1
run_options=(--family)

# Functions long enough for a compiler to need 18 MB for each file.
project_make()
{
	mkdir "$WORK/project"
	awk -v files="$FILES" -v dir="$WORK/project" 'BEGIN {
		for (f = 0; f < files; f++) {
			file = sprintf("%s/part%d.c", dir, f)
			print "#include <stdint.h>\n#include <string.h>" >file
			for (i = 0; i < 18; i++) {
				printf "static uint64_t f%d(uint64_t *a, uint32_t n)\n{\n", i >file
				printf "\tuint64_t x = %d, y = n;\n\n", f * 31 + i >file
				print "\tfor (uint32_t i = 0; i < n; i++) {" >file
				for (s = 0; s < 24; s++) {
					seed = (seed * 2111 + 6789 + f) % 65536
					printf "\t\tif (a[i] & %du)\n", 2 ^ (s % 20) >file
					printf "\t\t\tx = x * %d + (y >> %d) + a[(i + %d) %% n];\n",
						seed * 2 + 1, s + 1, seed % 97 >file
					printf "\t\telse\n\t\t\ty ^= x + a[i] / %d;\n", seed % 251 + 3 >file
				}
				print "\t\ta[i] = x ^ y;\n\t}\n\tmemset(a, (int)x, y % n);" >file
				print "\treturn x + y;\n}\n" >file
			}
			printf "uint64_t part%d(uint64_t *a, uint32_t n)\n{\n\treturn 0", f >file
			for (i = 0; i < 18; i++)
				printf "\n\t\t+ f%d(a, n)", i >file
			print ";\n}" >file
			close(file)
		}
	}'
	cat >"$WORK/project/Makefile" <<'MAKE'
all: $(patsubst %.c,%.o,$(wildcard *.c))

%.o: %.c
	gcc -O0 -c -o $@ $<
MAKE
}

# family_watch: the daemon's records, for as long as the program runs.
family_watch()
{
	local n=0

	mkdir -p "$WORK/status"
	while alive "$program_pid"; do
		"$BUILD/upager" status --json >"$WORK/status/$n" 2>/dev/null
		n=$((n + 1))
		sleep 0.1
	done
}

cat >"$WORK/members.py" <<'PYTHON'
import glob
import json
import sys

budget = int(sys.argv[2])
records = []
most = 0
for name in glob.glob(sys.argv[1] + "/*"):
    with open(name, encoding="utf-8") as status:
        text = status.read()
    processes = json.loads(text)["processes"] if text else []
    records += processes
    most = max([most, sum(p["resident_bytes"] for p in processes)])
# Between fork and exec the children are called make, too.
leader = {p["family"] for p in records} & {p["pid"] for p in records if p["comm"] == "make"}
members = [p for p in records if len(leader) == 1 and p["family"] in leader]
print("compilers", len({p["pid"] for p in members if p["comm"] == "cc1"}))
print("others", len({p["pid"] for p in records} - {p["pid"] for p in members}))
print("budgets", *sorted({p["budget_bytes"] == budget for p in members}))
print("resident_bytes", most)
PYTHON

family_figure()
{
	sed -n "s/^$1 //p" "$WORK/members"
}

# family_check: what `upager status` said of the descendants.
family_check()
{
	"$python" "$WORK/members.py" "$WORK/status" "$sample_budget" >"$WORK/members"
	diag "$(cat "$WORK/members")"
	# Not all: one may have come and gone between two looks.
	ok "the compilers are members of the family" \
		test "$(family_figure compilers)" -ge $((FILES / 2))
	is "all that is paged is a member" "$(family_figure others)" 0
	is "its budget is that of all" "$(family_figure budgets)" True
}

make_body()
{
	rm -f "$WORK"/project/*.o
	start "$@" make -C "$WORK/project" -j4 >"$WORK/make.log" 2>&1
	program_started "$started_pid"
	[ "$sample_budget" -eq 0 ] || family_watch
	program_wait
	[ "$program_status" -eq 0 ] || diag_file "$WORK/make.log"
	(cd "$WORK/project" && sha256sum -- *.o) >"$WORK/result"
}

project_make
real_compare make make_body
is "there is an object file of each source" "$(wc -l <"$WORK/result")" "$FILES"
family_check
done_testing
