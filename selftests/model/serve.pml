/* SPDX-License-Identifier: GPL-2.0-only */
inline read_event()
{
	event[nr_events] = unread;
	event_at[nr_events] = unread_at;
	nr_events++;
	unread_at = 0;
	unread = NOTHING
}

/* UFFDIO_COPY or ZEROPAGE, and a wake: fill.c */
inline fill(i, value)
{
	filled = IS_MAPPED(i);
	if
	:: filled && mem[i] == ABSENT -> mem[i] = value
	:: else
	fi;
	fault[i] = 0
}

#define IS_ASKED(i) (fault[i] && ((i) < CHILD -> !nr_events && unread == NOTHING : child_known))

/* fault_begin(), by state; not while events wait */
#define SERVE(i)                                                                      \
	:: atomic {                                                                   \
		   IS_ASKED(i) && state[i] == VIRGIN ->                               \
		   fill(i, ZEROS);                                                    \
		   if                                                                 \
		   :: filled -> DIES; state[i] = RESIDENT                             \
		   :: else                                                            \
		   fi                                                                 \
	   }                                                                          \
	:: atomic {                                                                   \
		   IS_ASKED(i) && state[i] == RESIDENT ->                             \
		   if                                                                 \
		   :: mem[i] != ABSENT -> fault[i] = 0                                \
		   :: else -> fill(i, ZEROS) /* zapped without an event [F9] */       \
		   fi                                                                 \
	   }                                                                          \
	:: atomic {                                                                   \
		   IS_ASKED(i) && state[i] == STANDBY ->                              \
		   fill(i, pool[SPACE(i)]);                                           \
		   if                                                                 \
		   :: filled -> DIES; rescued(i)                                      \
		   :: else                                                            \
		   fi                                                                 \
	   }                                                                          \
	:: atomic { /* swapin_begin() */                                              \
		   IS_ASKED(i) && state[i] == SWAPPED && !read_slot ->                \
		   read_slot = slot[i];                                               \
		   read_page = i                                                      \
	   }

/* fill_rescue() */
inline rescued(i)
{
	atomic {
		slot[i] = (dirty[i] -> 0 : slot[i]);
		dirty[i] = 0;
		state[i] = RESIDENT;
		release(SPACE(i));
		sweep()
	}
}

/* read_fill(): if it is still what was asked for */
#define IS_WANTED (state[read_page] == SWAPPED && slot[read_page] == read_slot)
#define MAY_ARRIVE \
	(read_slot && (read_page >= CHILD || !nr_events && unread == NOTHING))

inline queued(s)
{
	if
	:: DROP_FIRST ->
	   state[place_page[s]] = SWAPPED;
	   dirty[place_page[s]] = 0;
	   place_page[s] = 0;
	   place[s] = ORPHAN
	:: else -> place[s] = WRITING
	fi
}

/* writeback_queue() */
#define WRITE_OUT(x, s)                                                               \
	:: atomic {                                                                   \
		   place[s] == DIRTY && !SLOT_USED(x) && (x == 1 || SLOT_USED(1)) ->  \
		   assert(!landing[x]);                                               \
		   slot[place_page[s]] = x;                                           \
		   checksum[x] = pool[s];                                             \
		   write_space[x] = s;                                                \
		   writes[x] = 1;                                                     \
		   queued(s);                                                         \
		   DIES;                                                              \
		   recorded[x] = 1;                                                   \
		   DIES;                                                              \
		   landing[x] = checksum[x]                                           \
	   }

/* write_done() */
#define WRITTEN(x)                                                                    \
	:: atomic {                                                                   \
		   writes[x] && !landing[x] ->                                        \
		   atomic {                                                           \
			   if                                                         \
			   :: place[write_space[x]] == ORPHAN ->                      \
			      place[write_space[x]] = FREE                            \
			   :: else ->                                                 \
			      dirty[place_page[write_space[x]]] = 0;                  \
			      place[write_space[x]] = CLEAN                           \
			   fi                                                         \
		   }                                                                  \
		   DIES;                                                              \
		   atomic {                                                           \
			   writes[x] = 0;                                             \
			   write_space[x] = 0;                                        \
			   recorded[x] = 0;                                           \
			   sweep()                                                    \
		   }                                                                  \
	   }

/* record_run(), then agent_submit() */
#define MAY_EVICT(i) (!nr_events && !posted && !agent_dead && phase == IDLE && \
		      nr_evictions < evictions && state[i] == RESIDENT)
#define EVICT(i)                                                                      \
	:: atomic {                                                                   \
		   MAY_EVICT(i) && place[0] == FREE ->                                \
		   nr_evictions++;                                                    \
		   state[i] = DETACHING;                                              \
		   place[0] = TAKEN;                                                  \
		   place_page[0] = i;                                                 \
		   DIES;                                                              \
		   post_at = i;                                                       \
		   posted = 1;                                                        \
		   DIES;                                                              \
		   phase = POSTED                                                     \
	   }

/* pool_forget(): at any time here */
#define FORGET(s)                                                                       \
	:: atomic {                                                                     \
		   place[s] == CLEAN && !nr_events ->                                   \
		   state[place_page[s]] = SWAPPED;                                      \
		   place[s] = FREE;                                                     \
		   place_page[s] = 0;                                                   \
		   sweep()                                                              \
	   }

/* stray.c: what the dead daemon wrote has landed */
#define LOOK_AT_STRAY(x) \
	:: atomic { stray[x] && !landing[x] -> stray[x] = 0; recorded[x] = 0; sweep() }

inline work()
{
	do
	/* events_read() */
	:: atomic {
		   unread != NOTHING && !nr_events && (!busy || agent_dead) ->
		   hold = 1;
		   read_event();
		   in_memory = LOSE_EVENT
	   }
	/* events_resume() */
	:: atomic {
		   nr_events && (!busy || agent_dead) ->
		   hold = 1;
		   apply_events();
		   in_memory = 0;
		   hold = 0
	   }
	/* settle_finished() */
	:: atomic {
		   posted && done && !agent_dead ->
		   atomic { settle_page(moved, gone, 0) }
		   DIES;
		   settled()
	   }
	/* a fault that waits for the batch, or an agent that died: settle() */
	:: atomic {
		   posted && !(done && !agent_dead) && (agent_dead || fault[post_at]) &&
		   (!busy || agent_dead) ->
		   settle_now()
	   }
	SERVE(0)
	SERVE(1)
	SERVE(2)
	SERVE(3)
	:: atomic {
		   MAY_ARRIVE ->
		   if
		   :: IS_WANTED ->
		      assert(slot_has[read_slot] == checksum[read_slot]);
		      fill(read_page, slot_has[read_slot]);
		      if
		      :: filled -> DIES; state[read_page] = RESIDENT
		      :: else
		      fi
		   :: else -> fault[read_page] = 0
		   fi;
		   atomic { read_slot = 0; read_page = 0; sweep() }
	   }
	EVICT(0)
	EVICT(1)
	WRITE_OUT(1, 0)
	WRITE_OUT(2, 0)
	WRITE_OUT(1, 1)
	WRITE_OUT(2, 1)
	WRITTEN(1)
	WRITTEN(2)
	FORGET(0)
	FORGET(1)
	LOOK_AT_STRAY(1)
	LOOK_AT_STRAY(2)
	:: nr_crashes < CRASHES -> goto crash
	/* Nobody waits for anything any more. */
	:: !nr_running -> goto over
	od
}
