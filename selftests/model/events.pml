/* SPDX-License-Identifier: GPL-2.0-only */
/* ================ the daemon ================ */

inline forget_entry(i)
{
	state[i] = VIRGIN;
	dirty[i] = 0;
	slot[i] = 0
}

/* What a place, or a slot, has that nobody knows of any more is nothing: fewer states. */
inline sweep()
{
	pool[0] = (place[0] == FREE -> ABSENT : pool[0]);
	pool[1] = (place[1] == FREE -> ABSENT : pool[1]);
	if
	:: !SLOT_USED(1) -> slot_has[1] = 0; checksum[1] = 0
	:: else
	fi;
	if
	:: !SLOT_USED(2) -> slot_has[2] = 0; checksum[2] = 0
	:: else
	fi
}

inline release(s)
{
	place[s] = (place[s] == WRITING -> ORPHAN : FREE);
	place_page[s] = 0
}

/* page_drop() */
inline drop(i)
{
	assert(state[i] != DETACHING);
	if
	:: state[i] == STANDBY -> release(SPACE(i))
	:: else
	fi;
	forget_entry(i)
}

inline stays()
{
	state[post_at] = RESIDENT;
	release(0)
}

/* settle_run(): what became of the page of the batch. */
inline settle_page(did_move, is_gone, is_lost)
{
	if
	:: is_lost -> state[post_at] = LOST; slot[post_at] = 0; release(0)
	:: else ->
	   if
	   :: did_move && pool[0] == ZEROS -> forget_entry(post_at); release(0)
	   :: did_move && pool[0] != ZEROS ->
	      state[post_at] = STANDBY;
	      if
	      :: slot[post_at] && checksum[slot[post_at]] == pool[0] -> place[0] = CLEAN
	      :: else -> slot[post_at] = 0; dirty[post_at] = 1; place[0] = DIRTY
	      fi
	   :: !did_move && is_gone -> forget_entry(post_at); release(0)
	   :: else -> stays()
	   fi
	fi
}

/* agent_revoke() */
inline revoke()
{
	was_copied = phase == COPIED || phase == WITHDRAWN;
	if
	:: phase == POSTED -> phase = REVOKED
	:: phase == COPIED -> phase = WITHDRAWN
	:: else
	fi
}

/* agent_settle() */
inline settled()
{
	atomic { posted = 0; TIDY; sweep() }
}

/* settle_now(): under hold */
inline settle_now()
{
	atomic {
		if
		:: done && !agent_dead -> settle_page(moved, gone, 0) /* settle_finished() */
		:: else ->
		   revoke();
		   took = 0;
		   if
		   :: (agent_dead || moved) && staging -> pool[0] = staging; took = 1
		   :: else
		   fi;
		   took = took || was_copied && moved;
		   settle_page(took, gone, (moved && !took))
		fi
	}
	DIES;
	settled()
}

#define STAYS(n) (event[n] != REMAP && event[n] != UNMAP)

/* settle_inherited() */
inline settle_inherited()
{
	present = mem[post_at] != ABSENT;
	known = unread == NOTHING && STAYS(0) && STAYS(1) && STAYS(2);
	told = moved && !(known && present);
	asked = told || agent_dead && !present && known || agent_dead && !known && !LOSE_STAGING;
	revoke();
	took = 0;
	if
	:: asked && staging -> pool[0] = staging; took = 1
	:: else
	fi;
	took = took || was_copied && told;
	settle_page(took, (known && !present && !told), (told && !took))
}

/* fork_apply(): seen by nobody before the child is recorded, so one step */
inline apply_fork()
{
	atomic {
		if
		:: child_known
		:: else ->
		   n = 0;
		   do
		   :: n < CHILD ->
		      state[CHILD + n] = state[n];
		      slot[CHILD + n] = slot[n];
		      dirty[CHILD + n] = 0;
		      if
		      :: state[n] == STANDBY && !dirty[n] -> state[CHILD + n] = SWAPPED
		      :: state[n] == STANDBY && dirty[n] ->
			 slot[CHILD + n] = 0;
			 dirty[CHILD + n] = 1;
			 pool[1] = pool[0];
			 place[1] = DIRTY;
			 place_page[1] = CHILD + n
		      :: else
		      fi;
		      n++
		   :: else -> break
		   od;
		   child_known = 1
		fi
	}
}

/* apply_remap(): clear(), then table_move(), the destination first */
inline apply_remap()
{
	if
	:: !cleared ->
	   atomic { to = 1 - event_at[0]; drop(to) }
	   DIES;
	   cleared = !REPLAY_ALL;
	   DIES
	:: else
	fi;
	if
	:: state[event_at[0]] != VIRGIN ->
	   atomic {
		   to = 1 - event_at[0];
		   state[to] = state[event_at[0]];
		   dirty[to] = dirty[event_at[0]];
		   slot[to] = slot[event_at[0]]
	   }
	   DIES;
	   atomic {
		   if
		   :: place[0] != FREE && place[0] != ORPHAN && place_page[0] == event_at[0] ->
		      place_page[0] = 1 - event_at[0]
		   :: else
		   fi;
		   forget_entry(event_at[0])
	   }
	:: else
	fi
}

#define MEETS_BATCH (event[0] == FORK || event[0] == REMAP || event_at[0] == post_at)

/* apply_all(): under hold */
inline apply_events()
{
	do
	:: nr_events ->
	   if
	   :: posted && MEETS_BATCH -> settle_now(); DIES
	   :: else
	   fi;
	   if
	   :: event[0] == REMOVE || event[0] == UNMAP -> atomic { drop(event_at[0]); sweep() }
	   :: event[0] == REMAP -> apply_remap()
	   :: event[0] == FORK -> apply_fork()
	   fi;
	   DIES;
	   atomic { /* EVENT_APPLIED */
		   event[0] = event[1]; event_at[0] = event_at[1];
		   event[1] = event[2]; event_at[1] = event_at[2];
		   event[2] = NOTHING; event_at[2] = 0;
		   cleared = 0;
		   nr_events--
	   }
	   DIES
	:: else -> break
	od
}
