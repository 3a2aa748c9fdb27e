#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# scripts/cow-flame: what it has recorded, of whom, and how it folds call stacks.  By a perf that gives
# what is written here in the form of perf script 6.1, for what is folded has to be known.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need awk sleep
[ -e /proc/upager/track ] || skip_all "the module upager is not loaded"
flame=${0%/*}/../../scripts/cow-flame
[ -x "$flame" ] || skip_all "$flame is missing"

mkdir "$WORK/bin"
cat >"$WORK/bin/perf" <<'END'
#!/bin/bash
case $1 in
record)
	printf '%s\n' "$@" >"$WORK/record"
	cp /proc/upager/processes "$WORK/processes"
	;;
script) cat "$WORK/recorded" ;;
esac
END
chmod +x "$WORK/bin/perf"
export WORK

cat >"$WORK/recorded" <<'END'
writer   267 
	ffffffff8519b6d9 ptep_clear_flush
	ffffffff85181d04 do_wp_page
	ffffffff85c012a6 asm_exc_page_fault
	            11f5 unshare_pages
	            1290 main
	    7f0a4c023d0a [unknown]

writer   268 
	ffffffff8519b6d9 ptep_clear_flush
	            11f5 unshare_pages
	            1290 main
	    7f0a4c023d0a [unknown]

tmux: server 4242 
	ffffffff85181d04 do_wp_page
	    55d0c0de1180 std::map<int, char>::operator[](int const&)
	    55d0c0de1000 main

writer   267 
	ffffffff8519b6d9 ptep_clear_flush
	           d408e __libc_fork

END
cat >"$WORK/wanted" <<'END'
tmux: server;main;std::map<int, char>::operator[](int const&) 1
writer;[unknown];main;unshare_pages 2
writer;__libc_fork 1
END

start sleep 600
program_pid=$started_pid
try()
{
	PATH=$WORK/bin:$PATH "$flame" "$@" >"$WORK/out" 2>"$WORK/err"
}
ok "it ends well" try "$program_pid" 0
ok "stacks are folded, from the outermost frame on" diff "$WORK/wanted" "$WORK/out"
ok "of the event of the module" grep -qx upager:upager_cow "$WORK/record"
ok "while the process is tracked" grep -q "^$program_pid " "$WORK/processes"
ok "and not any more" bash -c "! grep -q '^$program_pid ' /proc/upager/processes"
try x
is "a pid is a number" $? 2
done_testing
