/* SPDX-License-Identifier: GPL-2.0-only */
/* ================ the program ================ */

proctype program()
{
	byte nr;

	do
	:: nr < OPS ->
	   if
	   :: nr++;
	      do /* writes */
	      :: atomic {
		      mem[home] != ABSENT ->
		      assert(IS_RIGHT(home));
		      version++;
		      mem[home] = version;
		      want[home] = version;
		      break
		 }
	      :: atomic { mem[home] == ABSENT && !fault[home] -> fault[home] = 1 }
		 fault[home] == 0
	      od
	   :: atomic { nr++; unread = REMOVE; unread_at = home; zapping = 1 }
	      atomic {
		      unread == NOTHING ->
		      mem[home] = ABSENT;
		      want[home] = ZEROS;
		      zapping = 0
	      }
	   :: atomic {
		      nr++;
		      mem[home] = ABSENT;
		      want[home] = ZEROS;
		      unread = UNMAP;
		      unread_at = home
	      }
	      atomic { /* and maps it anew, which nobody is told of, and writes */
		      unread == NOTHING ->
		      version++;
		      mem[home] = version;
		      want[home] = version
	      }
	   :: atomic {
		      nr++;
		      mem[1 - home] = mem[home];
		      want[1 - home] = want[home];
		      mem[home] = ABSENT;
		      want[home] = ABSENT;
		      unread = REMAP;
		      unread_at = home;
		      home = 1 - home
	      }
	      unread == NOTHING
	   :: atomic {
		      child_home == NONE ->
		      nr++;
		      child_home = home;
		      mem[CHILD + home] = mem[home];
		      want[CHILD + home] = want[home];
		      unread = FORK
	      }
	      atomic { unread == NOTHING -> nr_running++; run child() }
	   fi
	:: else -> break
	od;
	do /* and looks at what it has */
	:: atomic { mem[home] != ABSENT -> assert(IS_RIGHT(home)); nr_running--; break }
	:: atomic { mem[home] == ABSENT && !fault[home] -> fault[home] = 1 }
	   fault[home] == 0
	od
}

/* Another thread of it. */
proctype reader()
{
	byte nr, at;

	do
	:: nr < READS ->
	   if
	   :: atomic { mem[home] != ABSENT -> assert(IS_RIGHT(home)); nr++ }
	   :: atomic { mem[home] == ABSENT -> at = home; fault[at] = 1 }
	      atomic { fault[at] == 0 -> at = 0 }
	   fi
	:: else -> break
	od;
	nr_running--
}

proctype child()
{
	byte at = CHILD + child_home;

	do
	:: atomic { mem[at] != ABSENT -> assert(IS_RIGHT(at)); nr_running--; break }
	:: atomic { mem[at] == ABSENT && !fault[at] -> fault[at] = 1 }
	   fault[at] == 0
	od
}

proctype device()
{
end:
	do
	:: atomic { landing[1] -> slot_has[1] = landing[1]; landing[1] = 0 }
	:: atomic { landing[2] -> slot_has[2] = landing[2]; landing[2] = 0 }
	od
}

/* ================ the agent ================ */

/* Nobody looks at this batch any more. */
#define TIDY                                                    \
	if                                                      \
	:: !posted && !busy && done && !staging ->              \
	   phase = IDLE; moved = 0; gone = 0; done = 0          \
	:: else                                                 \
	fi

#define IS_HELD (hold && !NO_HOLD)

proctype agent()
{
end:
	do
	/* move_run(): busy from before the MOVE until it has said so */
	:: atomic {
		   !IS_HELD && phase == POSTED && !moved && !gone && unread == NOTHING &&
		   mem[post_at] != ABSENT ->
		   staging = mem[post_at];
		   mem[post_at] = ABSENT;
		   busy = 1
	   }
	   atomic {
		   moved = 1;
		   busy = 0
	   }
	:: atomic {
		   !IS_HELD && phase == POSTED && !moved && !gone && unread == NOTHING &&
		   mem[post_at] == ABSENT ->
		   gone = 1
	   }
	/* batch_save() */
	:: atomic {
		   !IS_HELD && phase == POSTED && (moved || gone) ->
		   pool[0] = (moved -> staging : pool[0]);
		   phase = COPIED;
		   done = 1
	   }
	/* revoked, and settled by the daemon */
	:: atomic { !IS_HELD && phase == REVOKED && !done -> done = 1 }
	/* staging is dropped once it has reported */
	:: atomic { done && (staging || phase != IDLE && !posted) -> staging = ABSENT; TIDY }
	od unless { agent_dead }
}
