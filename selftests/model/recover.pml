/* SPDX-License-Identifier: GPL-2.0-only */
inline forget_memory()
{
	place[0] = FREE; place[1] = FREE;
	place_page[0] = 0; place_page[1] = 0;
	writes[1] = 0; writes[2] = 0;
	write_space[1] = 0; write_space[2] = 0;
	read_slot = 0; read_page = 0;
	stray[1] = 0; stray[2] = 0;
	if
	:: in_memory -> nr_events = 0; event[0] = NOTHING; event_at[0] = 0; in_memory = 0
	:: else
	fi
}

/* restore_page() */
inline restore_entry(i)
{
	if
	:: state[i] == DETACHING -> place[SPACE(i)] = TAKEN; place_page[SPACE(i)] = i
	:: state[i] == STANDBY ->
	   place[SPACE(i)] = (dirty[i] -> DIRTY : CLEAN);
	   place_page[SPACE(i)] = i;
	   slot[i] = (dirty[i] -> 0 : slot[i])
	:: else
	fi
}

inline take_back(i)
{
	if
	:: state[i] == DETACHING -> state[i] = RESIDENT; release(0)
	:: else
	fi
}

inline take_over()
{
	/* silence.c: held, or ended if it does not let go */
	hold = 1;
	if
	:: !busy || agent_dead
	:: busy && !agent_dead && KILLS -> agent_dead = 1
	fi;
	/* keeper.c */
	do
	:: atomic { unread != NOTHING && nr_events < RING -> read_event() }
	:: break
	od;
	skip;
	/* restore.c */
	atomic {
	atomic {
		stray[1] = recorded[1] && !NO_STRAYS;
		stray[2] = recorded[2] && !NO_STRAYS;
		restore_entry(0);
		restore_entry(1);
		if
		:: child_known -> restore_entry(2); restore_entry(3)
		:: else -> forget_entry(2); forget_entry(3)
		fi
	}
	DIES;
	atomic {
		if
		:: posted && state[post_at] == DETACHING -> settle_inherited()
		:: posted && state[post_at] != DETACHING -> revoke()
		:: else
		fi
	}
	DIES;
	atomic {
		if
		:: posted && phase == IDLE -> phase = REVOKED /* agent_catch_up() */
		:: else
		fi;
		posted = 0;
		TIDY
	}
	DIES;
	atomic { /* take_back(), restore_wake() */
		take_back(0);
		take_back(1);
		sweep();
		hold = 0;
		fault[0] = 0; fault[1] = 0; fault[2] = 0; fault[3] = 0
	}
	}
}

proctype daemon()
{
works:
	work();
crash:
	atomic { nr_crashes++; forget_memory() }
	take_over();
	goto works;
over:
	skip
}

proctype agents_fate()
{
end:
	KILLS -> agent_dead = 1
}
