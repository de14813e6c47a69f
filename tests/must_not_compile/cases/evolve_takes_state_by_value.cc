// expect: aggregate lacks: static void Evolve(State&, const E&)
#include "door.h"

struct Door : DoorTypes {
  static DoorDecision Decide(const State&, const Open&, const daybook::Context&);
  static DoorDecision Decide(const State&, const Close&, const daybook::Context&);
  static void Evolve(State&, const Opened&);
#ifdef FIXED
  static void Evolve(State&, const Closed&);
#else
  static State Evolve(State, const Closed&);
#endif
};
static_assert(daybook::Aggregate<Door>);
